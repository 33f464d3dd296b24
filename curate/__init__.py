"""Examples to a curation: rules find, one policy decides, every row is accounted for."""

from .config import CurateConfig
from .curation import curate_dataset
from .ledger import read_ledger, write_curation
from .rules import list_rules

__all__ = ["CurateConfig", "curate_dataset", "list_rules", "read_ledger", "write_curation"]
