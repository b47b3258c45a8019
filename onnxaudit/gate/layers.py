"""Where a policy comes from, and which origin wins: command line, environment, `--policy`, pyproject.toml, defaults."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onnxaudit.errors import UsageError
from onnxaudit.gate.policy import KEYS, OLD_KEYS, Policy, check_names, read_value, rename_keys
from onnxaudit.records import Setting
from onnxaudit.regular_files import follow_links, read_regular

DEFAULT, COMMAND_LINE = "default", "command line"
PREFIX = "ONNXAUDIT_"
CACHE = f"{PREFIX}CACHE"  # no key of a policy: where results are kept
PYPROJECT = "pyproject.toml"
PROJECT_TABLE = "scan"  # of [tool.onnxaudit]: what is scanned, no key of the policy
MOST_OF_SETTINGS = 2**22  # bytes
LOCKED = "locked"
INCONCLUSIVE, BY_REASON = "inconclusive", "inconclusive_by_reason"  # a lock on the first is one on both
LATER_KEYS = (
    "max_reactivation",
    "repaired",
)  # of after 0.1.0: at their defaults they leave a policy's hash what it was
ONLY_IN_FILES = ("waivers", "accepted_keys")  # values too long for a variable


@dataclass(frozen=True)
class Layer:
    """What one origin says.

    Attributes:
        origin: its name, for people.
        values: by key, as the policy holds them.
        locked: keys that stronger origins may not change.
        old_keys: old names of keys that it uses.
    """

    origin: str
    values: Mapping[str, Any]
    locked: tuple[str, ...] = ()
    old_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class EffectivePolicy:
    """The policy in force, and where each of its values comes from."""

    policy: Policy
    settings: tuple[Setting, ...]

    @property
    def sha256(self) -> str:
        """Of all keys and values, the same wherever they come from, and in every version that knows these keys."""
        untouched = {key for key in LATER_KEYS if getattr(self.policy, key) == getattr(Policy(), key)}
        held = {key: value for key, value in asdict(self.policy).items() if key not in untouched}
        plain = json.dumps(held, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()


def resolve(layers: Iterable[Layer] = ()) -> EffectivePolicy:
    """One policy from all origins, the weakest first.

    Raises:
        UsageError: an origin changes what a weaker one locked.
    """
    defaults = Policy()
    found = {key: Setting(key, getattr(defaults, key), DEFAULT) for key in KEYS}
    for layer in layers:
        for key, value in _spell_out(layer, found).items():
            old = found[key]
            if old.locked is None:
                found[key] = Setting(key, value, layer.origin)
            elif value != old.value:
                raise UsageError(f"{layer.origin}: {key} is locked by {old.locked}; leave it out, or change it there")
        for key in (*layer.locked, *([BY_REASON] if INCONCLUSIVE in layer.locked else [])):
            old = found[key]
            found[key] = Setting(key, old.value, old.origin, old.locked or layer.origin)
    return EffectivePolicy(Policy(**{key: setting.value for key, setting in found.items()}), tuple(found.values()))


def _spell_out(layer: Layer, found: Mapping[str, Setting]) -> Mapping[str, Any]:
    """The values of a layer: one that says `inconclusive` means it for all reasons but those that it names itself."""
    weaker = found[BY_REASON]
    overruled = INCONCLUSIVE in layer.values and weaker.value and weaker.locked is None
    return {**({BY_REASON: {}} if overruled else {}), **layer.values}


def read_policy_file(path: Path) -> Layer:
    """The layer of `--policy FILE`.

    Raises:
        UsageError: it cannot be read, or says what no policy can.
    """
    return _read_table(read_toml(path), f"policy {path}")


def read_pyproject(folder: Path) -> Layer | None:
    """The layer of `[tool.onnxaudit]` in a folder's pyproject.toml; None where there is none.

    Raises:
        UsageError: it cannot be read, or says what no policy can.
    """
    path = folder / PYPROJECT
    if not path.is_file():
        return None
    table = read_toml(path).get("tool", {})
    table = table.get("onnxaudit") if isinstance(table, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.onnxaudit is no table")
    return _read_table({key: value for key, value in table.items() if key != PROJECT_TABLE}, str(path))


def read_environment(variables: Mapping[str, str]) -> tuple[Layer, ...]:
    """A layer for each variable that begins with `ONNXAUDIT_`.

    Raises:
        UsageError: there is no such key, or no such value.
    """
    named = {name: value for name, value in sorted(variables.items()) if name.startswith(PREFIX)}
    given = {name: value for name, value in named.items() if name != CACHE}
    known = [PREFIX + key.upper() for key in KEYS if key not in ONLY_IN_FILES]
    old = [PREFIX + key.upper() for key in OLD_KEYS]
    check_names([name for name in given if name not in old], known, "environment")
    keys = {name: name.removeprefix(PREFIX).lower() for name in given}
    rename_keys(dict.fromkeys(keys.values()), "environment")
    return tuple(_read_variable(name, keys[name], value) for name, value in given.items())


def _read_variable(name: str, key: str, value: str) -> Layer:
    new = OLD_KEYS.get(key, key)
    return Layer(f"environment, {name}", {new: read_value(new, value, name)}, old_keys=(key,) * (new != key))


def read_command_line(options: Mapping[str, Any]) -> Layer:
    """The strongest layer: options that were given, by key."""
    return Layer(COMMAND_LINE, {key: read_value(key, value, COMMAND_LINE) for key, value in options.items()})


def lies_with_subject(path: Path, models: Sequence[Path], data: str | None) -> bool:
    """Whether a policy's file lies where its author may be the one of the model or the data.

    That is in the folder of a model, in the folder of a data file, or anywhere within a data folder.
    """
    folders = _find_folders(path)
    if any(folders & _find_folders(model) for model in models):
        return True
    if data is None:
        return False
    source = Path(data)
    if source.is_dir():
        return any(folder.is_relative_to(follow_links(source)) for folder in folders)
    return bool(folders & _find_folders(source))


def _find_folders(path: Path) -> set[Path]:
    """The folder in which a file lies, and of a link also that in which its target lies."""
    return {follow_links(path.parent), follow_links(path).parent}


def read_toml(path: Path) -> dict[str, Any]:
    """What a file in TOML says.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        return tomllib.loads(read_regular(path, MOST_OF_SETTINGS).decode())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error


def _read_table(table: Mapping[str, Any], origin: str) -> Layer:
    old = [key for key in table if key in OLD_KEYS]
    table = rename_keys(table, origin)
    check_names(table, (*KEYS, LOCKED), origin)
    locked = table.get(LOCKED, [])
    if not isinstance(locked, list) or not all(isinstance(key, str) for key in locked):
        raise UsageError(f"{origin}: {LOCKED} is no list of keys")
    old += [key for key in locked if key in OLD_KEYS and key not in old]
    locked = [OLD_KEYS.get(key, key) for key in locked]
    check_names(locked, KEYS, f"{origin}: {LOCKED}")
    values = {key: read_value(key, value, origin) for key, value in table.items() if key != LOCKED}
    return Layer(origin, values, tuple(locked), tuple(old))
