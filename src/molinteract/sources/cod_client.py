"""Asking COD over HTTP: a polite rate, retries with growing waits, and a cache of what was fetched.

COD's interface: ``<base>/<number>.cif``, ``<base>/<number>.cif@<revision>``, and ``<base>/result?...&format=lst``, which answers
with one number a line (wiki.crystallography.net/RESTful_API).
"""

import atexit
import email.utils
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from molinteract.core.errors import SourceError

BASE: Final = "https://www.crystallography.net/cod"
LARGEST: Final = 256_000_000
"""Bytes of one answer beyond which it is not read."""
LONGEST_WAIT: Final = 120.0
"""Seconds; a server that asks for more is taken as down."""
_PRESENT: Final = ".present.cif"
"""End of the name of an entry that was fetched without naming a revision: an older one asked for by name is not taken for it."""
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REVISION: Final = re.compile(rb"(?m)^#\$Revision:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class CodSettings:
    """How COD is asked; each field is set by an environment variable.

    Attributes
    ----------
    base : str
        ``MOLINTERACT_COD``: base URL, or the folder of a mirror.
    cache : Path
        ``MOLINTERACT_COD_CACHE``: where answers are kept.
    rate : float
        ``MOLINTERACT_COD_RATE``: requests a second, all processes of the machine together.
    timeout : float
        ``MOLINTERACT_COD_TIMEOUT``: seconds without an answer, or without a byte of it.
    tries : int
        ``MOLINTERACT_COD_TRIES``.
    wait : float
        ``MOLINTERACT_COD_WAIT``: seconds before the second try; doubled for each further one.
    refresh : bool
        ``MOLINTERACT_COD_REFRESH``: ask again for what is in the cache without a revision.
    """

    base: str
    cache: Path
    rate: float
    timeout: float
    tries: int
    wait: float
    refresh: bool

    @classmethod
    def from_environment(cls) -> "CodSettings":
        """Read the settings.

        Raises
        ------
        SourceError
            If one is no positive number.
        """
        home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
        return cls(
            base=os.environ.get("MOLINTERACT_COD", BASE).rstrip("/"),
            cache=Path(os.environ.get("MOLINTERACT_COD_CACHE", home / "molinteract" / "cod")).expanduser(),
            rate=_number("RATE", 2.0),
            timeout=_number("TIMEOUT", 30.0),
            tries=max(1, int(_number("TRIES", 5.0))),
            wait=_number("WAIT", 2.0),
            refresh=os.environ.get("MOLINTERACT_COD_REFRESH", "") not in ("", "0"),
        )


def _number(name: str, default: float) -> float:
    text = os.environ.get(f"MOLINTERACT_COD_{name}", str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise SourceError(f"{text!r} is no positive number", entry=f"MOLINTERACT_COD_{name}")
    return value


class _PassingError(Exception):
    """A fault that may be gone at the next try."""

    def __init__(self, what: str, *, wait: float | None = None, unreachable: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.unreachable = unreachable


class _LastingError(Exception):
    """A fault that will stay."""


def fetch(base: str, number: str, revision: str) -> bytes | str:
    """Return the CIF of an entry, from the cache or from COD, or why it cannot be had.

    Parameters
    ----------
    base : str
        Base URL.
    number : str
        Seven digits.
    revision : str
        Empty for the present one.

    Raises
    ------
    SourceError
        If COD cannot be reached at all: what was fetched is kept, and the build goes on with ``--resume``.
    """
    settings = CodSettings.from_environment()
    folder = _cache_of(settings, base) / number[0] / number[1:3] / number[3:5]
    kept = _kept(folder, number, revision)
    if kept is not None and (revision or not settings.refresh):
        return kept.read_bytes()
    url = f"{base}/{number}.cif" + (f"@{revision}" if revision else "")
    try:
        content = _get(url, {}, settings)
        if b"data_" not in content.lower():
            raise _LastingError("the answer is no CIF")
    except _LastingError as error:
        return f"{error} ({url})"
    except _PassingError as error:
        if error.unreachable:
            raise SourceError(
                f"COD cannot be reached: {error}",
                entry=url,
                remedy="try again later with --resume; what was fetched is kept",
            ) from error
        return f"not fetched after {settings.tries} tries: {error} ({url})"
    found = _REVISION.search(content[:4000])
    name = f"{number}@{revision}.cif" if revision else f"{number}@{found.group(1).decode() if found else 0}{_PRESENT}"
    _keep(folder / name, content)
    return content


def search(parameters: Mapping[str, Any], *, source: str) -> list[str]:
    """Return the numbers that COD's search finds, ascending; kept, so that an interrupted build meets the same list.

    Parameters
    ----------
    parameters : mapping
        Of COD's search, passed on as they are.
    source : str
        What the user named, for errors.

    Raises
    ------
    SourceError
        If COD cannot be asked, or finds nothing.
    """
    settings = CodSettings.from_environment()
    if "://" not in settings.base:
        raise SourceError(
            "a mirror cannot be searched", entry=source, remedy="unset MOLINTERACT_COD, or list the numbers"
        )
    query = {**parameters, "format": "lst"}
    digest = hashlib.blake2b(json.dumps(query, sort_keys=True).encode(), digest_size=8).hexdigest()
    path = _cache_of(settings, settings.base) / "queries" / f"{digest}.lst"
    if path.is_file() and not settings.refresh:
        return path.read_text(encoding="ascii").split()
    url = f"{settings.base}/result"
    try:
        words = _get(url, query, settings).decode("utf-8", "replace").split()
    except (_LastingError, _PassingError) as error:
        raise SourceError(f"COD's search does not answer: {error}", entry=url, remedy="try again later") from error
    numbers = sorted({word for word in words if re.fullmatch(r"\d{7}", word)})
    if not numbers:
        said = " ".join(words)[:80]
        raise SourceError(f"COD finds nothing (it says {said!r})", entry=source, remedy="check the search parameters")
    _keep(path, ("\n".join(numbers) + "\n").encode())
    return numbers


def _get(url: str, query: Mapping[str, Any], settings: CodSettings) -> bytes:
    retrying = Retrying(
        stop=stop_after_attempt(settings.tries),
        wait=_waiting(settings),
        retry=retry_if_exception_type(_PassingError),
        reraise=True,
    )
    return retrying(_get_once, url, query, settings)


def _waiting(settings: CodSettings) -> Any:
    growing = wait_exponential(multiplier=settings.wait, max=60.0) + wait_random(0.0, settings.wait / 2)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _PassingError) else None
        return growing(state) if asked is None else asked

    return wait


def _get_once(url: str, query: Mapping[str, Any], settings: CodSettings) -> bytes:
    _take_turn(settings)
    begun = time.monotonic()
    content = bytearray()
    try:
        with _client().stream("GET", url, params=dict(query) or None, timeout=settings.timeout) as answer:
            _check_status(answer)
            for part in answer.iter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise _LastingError(f"the answer is longer than {LARGEST // 1_000_000} MB")
                # a server may drip bytes for ever without a single one being late
                if time.monotonic() - begun > 20 * settings.timeout:
                    raise _PassingError(f"the answer is not whole after {20 * settings.timeout:g} s")
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise _LastingError(str(error) or type(error).__name__) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _PassingError(str(error) or type(error).__name__, unreachable=True) from error
    except httpx.TransportError as error:
        raise _PassingError(str(error) or type(error).__name__) from error
    return bytes(content)


def _check_status(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == 200:
        return
    if status in (404, 410):
        raise _LastingError(f"COD has no such entry (status {status})")
    if status not in _PASSING:
        raise _LastingError(f"COD answers with status {status}")
    asked = _retry_after(answer.headers.get("retry-after", ""))
    if asked is not None and asked > LONGEST_WAIT:
        raise _LastingError(f"COD asks to come back in {asked:.0f} s (status {status})")
    raise _PassingError(f"status {status}", wait=asked)


def _retry_after(text: str) -> float | None:
    """Return the seconds of a ``Retry-After`` header: a number, or a date."""
    if text.strip().isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    client = httpx.Client(follow_redirects=True, max_redirects=5, headers={"User-Agent": "molinteract"})
    atexit.register(client.close)
    return client


def _take_turn(settings: CodSettings) -> None:
    """Wait until the last request of any process of this machine is long enough ago."""
    import fcntl

    settings.cache.mkdir(parents=True, exist_ok=True)
    with (settings.cache / ".turn").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        rest = float(text or 0) + 1 / settings.rate - time.time()
        time.sleep(min(max(rest, 0.0), 1 / settings.rate))
        file.truncate(0)
        file.write(str(time.time()))


def _cache_of(settings: CodSettings, base: str) -> Path:
    return settings.cache / re.sub(r"[^A-Za-z0-9.-]+", "_", base.partition("://")[2])


def _kept(folder: Path, number: str, revision: str) -> Path | None:
    if revision:
        names = (f"{number}@{revision}.cif", f"{number}@{revision}{_PRESENT}")
        return next((folder / name for name in names if (folder / name).is_file()), None)
    found = {
        int(path.name.partition("@")[2].removesuffix(_PRESENT)): path for path in folder.glob(f"{number}@*{_PRESENT}")
    }
    return found[max(found)] if found else None


def _keep(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        scratch.write_bytes(content)
        scratch.replace(path)
    except OSError as error:
        raise SourceError(
            f"cannot be written: {error.strerror}",
            entry=str(path),
            remedy="set MOLINTERACT_COD_CACHE to another folder",
        ) from error
