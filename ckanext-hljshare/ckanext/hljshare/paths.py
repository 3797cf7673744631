"""Where the project's data files are: they stand beside the package, not in it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCHEMING = ROOT / "scheming"
CONFIG = ROOT / "config"
HARVESTERS = ROOT / "harvesters"
