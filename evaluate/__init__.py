"""Models and items to scores, two scores to a comparison, a comparison to a verdict."""

from .benchmarks import benchmark_items as benchmark_items
from .causal import Resident as Resident
from .compare import compare_scores as compare_scores
from .config import Benchmark as Benchmark
from .config import EvaluateConfig as EvaluateConfig
from .config import Retention as Retention
from .gate import judge as judge
from .gate_config import GateConfig as GateConfig
from .gate_config import TaskGate as TaskGate
from .log_samples import read_log_pair as read_log_pair
from .log_samples import read_log_samples as read_log_samples
from .measure import evaluate_model as evaluate_model
from .mirror import make_mirror as make_mirror
from .score_files import read_scores as read_scores
from .score_files import write_scores as write_scores
from .suites import describe_suite as describe_suite
from .verdict_io import read_comparison as read_comparison
from .verdict_io import read_verdict as read_verdict
from .verdict_io import verdict_schema as verdict_schema
from .verdict_io import verdict_to_json as verdict_to_json
from .verdict_io import write_comparison as write_comparison
from .verdict_io import write_verdict as write_verdict
from .waivers import Waiver as Waiver
