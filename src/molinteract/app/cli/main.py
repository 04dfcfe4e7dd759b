"""The program ``molinteract``: verbs, loaded only when called, and exit codes."""

import os
import sys
from collections.abc import Sequence
from importlib import metadata

from cyclopts import App, CycloptsError

from molinteract.core.errors import MissingExtraError, MolinteractError

VERBS: dict[str, str] = {
    "build": "Crystal structures in, a store of intermolecular patches out.",
    "stats": "What a store holds: Table 1 beside the paper's, rejects by reason, labels.",
    "inspect": "One crystal in words: molecules and contacts, or why it is rejected.",
    "molecules": "Molecules, dimers or clusters of a crystal as XYZ, SDF or CIF.",
    "pretrain": "Train the network on a store by denoising.",
    "embed": "Vectors of patches and atoms from a trained network.",
    "probe": "What the vectors know: maps, Kolmogorov-Smirnov tests, probes, a report.",
    "benchmark-representation": "Frozen vectors against their baselines, on crystals and on dimers.",
    "finetune": "Learn binding affinities from protein-ligand complexes.",
    "predict": "Affinities of complexes, poses and ligands.",
    "evaluate": "An affinity model on measured complexes.",
    "audit": "Judge any model's predictions of affinities beside simple nulls.",
    "demo": "The whole chain on the embedded sample, ending in a report.",
    "doctor": "Health of this installation, with a remedy for each fault.",
}
"""Each verb and its one-line description, in the order in which they are used."""

STDIN = "stdin:"
"""What ``-`` is called among the sources (``sources.entries.STDIN``)."""


def make_app(asked: str = "") -> App:
    """Return the command-line application; a verb's module is imported when the verb is called.

    The verb that is ``asked`` for shows its own docstring, with an example, as help; the others a line each.
    """
    app = App(
        name="molinteract",
        help="How molecules touch: patches from crystals, a network trained on them, and its vectors.",
        version=lambda: metadata.version("molinteract"),
        help_format="markdown",
        help_epilogue="Exit codes: 0 done, 1 done with something to look at, 2 wrong usage or input, 3 missing extra.",
        exit_on_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for number, (verb, line) in enumerate(VERBS.items()):
        description = None if verb == asked else line
        app.command(
            "molinteract.app.cli.{0}:{0}".format(verb.replace("-", "_")),
            name=verb,
            help=description,
            sort_key=number,
            help_format="markdown",
        )
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; an error of ours is printed in words to stderr."""
    try:
        # a lone hyphen is a source, which the parser would take for an option
        words = [STDIN if word == "-" else word for word in arguments]
        return int(make_app(words[0] if words else "")(words) or 0)
    except CycloptsError:
        return 2  # the parser has printed what is wrong
    except MissingExtraError as error:
        print(f"molinteract: {error}", file=sys.stderr)
        return 3
    except MolinteractError as error:
        print(f"molinteract: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("molinteract: interrupted", file=sys.stderr)
        return 130


def main() -> None:
    """Entry point of the console script."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader (head, less) has seen enough; without this Python would complain again while closing stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
