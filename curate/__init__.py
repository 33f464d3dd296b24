"""Examples to a curation: rules find, one policy decides, every row is accounted for."""
