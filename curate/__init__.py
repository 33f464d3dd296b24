"""Examples to a curation: rules find, one policy decides, every row is accounted for."""

from .accepted import accept_rows
from .advice import Bin, advise_threshold
from .config import CurateConfig
from .curation import curate_dataset
from .explain import Explanation, explain_row
from .forecast import forecast_duplicates
from .leaks.general import rows_with_items
from .ledger import ledger_of, read_ledger, write_curation
from .proof import Benefit, prove_benefit
from .rules.table import list_rules

__all__ = [
    "Benefit",
    "Bin",
    "CurateConfig",
    "Explanation",
    "accept_rows",
    "advise_threshold",
    "curate_dataset",
    "explain_row",
    "forecast_duplicates",
    "ledger_of",
    "list_rules",
    "prove_benefit",
    "read_ledger",
    "rows_with_items",
    "write_curation",
]
