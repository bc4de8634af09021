"""All pages that are made from the registry and the committed runs: ``python docs/catalogue.py``.

The gallery of SCMs (docs/gallery/), a page a world (docs/worlds/) and a page a method (docs/methods/).
"""

from __future__ import annotations

import gallery
import methods
import worlds

if __name__ == "__main__":
    gallery.main()
    worlds.main()
    methods.main()
