"""Numbers of papers (published/), of their code run by us (authors_code/), and our own committed runs (committed/)."""
