"""``molinteract doctor``: is this installation sound?"""

from dataclasses import asdict

from molinteract.app.cli.output import Json, emit


def doctor(*, as_json: Json = False) -> int:
    """Check Python, packages, device, compiled kernels, and the way from a crystal to a vector.

    Each line is ok, a note, or a fault with its remedy. Exit code 1 if there is a fault.
    """
    from molinteract.app.health import examine
    from molinteract.core.provenance import machine, versions

    checks = list(examine())
    lines = [f"{c.status:<6}{c.name}: {c.found}" + (f"\n      remedy: {c.remedy}" if c.remedy else "") for c in checks]
    emit(
        {"checks": [asdict(check) for check in checks], "versions": versions(), "machine": machine()},
        "\n".join(lines),
        as_json=as_json,
    )
    return 1 if any(check.status == "fault" for check in checks) else 0
