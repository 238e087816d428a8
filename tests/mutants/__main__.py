"""``python tests/mutants``, from a checkout, whether the kit is installed or not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mutants_command import main

sys.exit(main())
