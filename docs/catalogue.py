"""All pages that are made from the registry, the committed runs and notebooks: ``python docs/catalogue.py``.

The gallery of SCMs (docs/gallery/), a page a world (docs/worlds/), a page a method (docs/methods/), the tables of the
pages on open questions, images, costs and the arena (docs/numbers/, in folders of their own), and the notebooks
with what they print and draw (docs/notebooks/).
"""

from __future__ import annotations

import arena
import costs
import entering
import experiments
import gallery
import image_results
import learning
import methods
import notebook_pages
import orders
import question_figures
import sizes
import theory
import worlds

if __name__ == "__main__":
    gallery.main()
    worlds.main()
    methods.main()
    theory.main()
    experiments.main()
    orders.main()
    sizes.main()
    entering.main()
    question_figures.main()
    image_results.main()
    costs.main()
    arena.main()
    learning.main()
    notebook_pages.main()
