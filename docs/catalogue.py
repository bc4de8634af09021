"""All pages that are made from the registry and the committed runs: ``python docs/catalogue.py``.

The gallery of SCMs (docs/gallery/), a page a world (docs/worlds/), a page a method (docs/methods/), and the tables
of the page on open questions (docs/numbers/questions/).
"""

from __future__ import annotations

import gallery
import methods
import theory
import worlds

if __name__ == "__main__":
    gallery.main()
    worlds.main()
    methods.main()
    theory.main()
