"""All pages that are made from the registry, the committed runs and notebooks: ``python docs/catalogue.py``.

The gallery of SCMs (docs/gallery/), a page a world (docs/worlds/), a page a method (docs/methods/), the tables of the
pages on open questions, images and costs (docs/numbers/questions/, images/ and costs/ beside it), and the notebooks
with what they print and draw (docs/notebooks/).
"""

from __future__ import annotations

import costs
import experiments
import gallery
import image_results
import methods
import notebook_pages
import question_figures
import theory
import worlds

if __name__ == "__main__":
    gallery.main()
    worlds.main()
    methods.main()
    theory.main()
    experiments.main()
    question_figures.main()
    image_results.main()
    costs.main()
    notebook_pages.main()
