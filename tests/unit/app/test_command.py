import subprocess
import sys
from importlib.metadata import version


def test_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "molinteract", "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.strip() == version("molinteract")
