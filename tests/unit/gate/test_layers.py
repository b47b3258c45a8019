"""Which origin of a policy wins, what locks hold, and that nothing unknown passes."""

import itertools
from pathlib import Path

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.gate.layers import (
    EffectivePolicy,
    Layer,
    lies_with_subject,
    read_command_line,
    read_environment,
    read_policy_file,
    read_pyproject,
    resolve,
)
from onnxaudit.gate.policy import KEYS, Policy

WEAKEST_FIRST = ("pyproject", "policy", "environment", "command line")
WAIVER = """
[[waivers]]
fingerprint = "{0}"
model_sha256 = "{0}"
reason = "natural feature"
approver = "Ada"
expiry = 2026-12-31
""".format("a" * 64)


def make_layers(folder: Path, budgets: dict[str, int], locked: str = "") -> list[Layer]:
    """The origins that `budgets` names, each with its own time budget."""
    lock = 'locked = ["time_budget"]\n'
    layers: list[Layer] = []
    if "pyproject" in budgets:
        text = f"[tool.onnxaudit]\ntime_budget = {budgets['pyproject']}\n{lock if locked == 'pyproject' else ''}"
        (folder / "pyproject.toml").write_text(text)
        layers += [layer for layer in [read_pyproject(folder)] if layer is not None]
    if "policy" in budgets:
        (folder / "policy.toml").write_text(f"time_budget = {budgets['policy']}\n{lock if locked == 'policy' else ''}")
        layers.append(read_policy_file(folder / "policy.toml"))
    if "environment" in budgets:
        layers += read_environment({"ONNXAUDIT_TIME_BUDGET": str(budgets["environment"]), "HOME": "/"})
    if "command line" in budgets:
        layers.append(read_command_line({"time_budget": budgets["command line"]}))
    return layers


def origin_of(effective: EffectivePolicy, key: str) -> str:
    return next(setting.origin for setting in effective.settings if setting.key == key)


@pytest.mark.parametrize(
    "given",
    [combo for count in range(5) for combo in itertools.combinations(WEAKEST_FIRST, count)],
    ids=" + ".join,
)
def test_the_strongest_origin_wins(tmp_path: Path, given: tuple[str, ...]) -> None:
    budgets = {name: 10 + WEAKEST_FIRST.index(name) for name in given}
    effective = resolve(make_layers(tmp_path, budgets))
    assert effective.policy.time_budget == (budgets[given[-1]] if given else None)
    assert (given[-1] if given else "default") in origin_of(effective, "time_budget")


@pytest.mark.parametrize("locking", ["pyproject", "policy"])
@pytest.mark.parametrize("other", WEAKEST_FIRST)
def test_what_is_locked_only_weaker_origins_may_say_otherwise(tmp_path: Path, locking: str, other: str) -> None:
    if other == locking:
        return
    layers = make_layers(tmp_path, {locking: 10, other: 20}, locking)
    if WEAKEST_FIRST.index(other) < WEAKEST_FIRST.index(locking):
        assert resolve(layers).policy.time_budget == 10
        return
    with pytest.raises(UsageError, match=r"time_budget is locked by .*" + locking):
        resolve(layers)
    assert resolve(make_layers(tmp_path, {locking: 10, other: 10}, locking)).policy.time_budget == 10


@pytest.mark.parametrize("key", KEYS)
def test_every_key_can_be_locked_at_its_default(tmp_path: Path, key: str) -> None:
    (tmp_path / "policy.toml").write_text(f'locked = ["{key}"]\n')
    layer = read_policy_file(tmp_path / "policy.toml")
    with pytest.raises(UsageError, match=f"{key} is locked"):
        resolve([layer, Layer("command line", {key: "other"})])


TABLE = {"no-images": "warn"}


def test_what_a_missing_verdict_comes_to_by_reason_reads_the_same_everywhere(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('[inconclusive_by_reason]\nno-images = "warn"\nnot-measured-sonar = "fail"\n')
    (variable,) = read_environment({"ONNXAUDIT_INCONCLUSIVE_BY_REASON": "no-images=warn, not-measured-sonar = fail"})
    option = read_command_line({"inconclusive_by_reason": "no-images=warn,not-measured-sonar=fail"})
    assert read_policy_file(tmp_path / "policy.toml").values == variable.values == option.values


def test_a_lock_on_what_a_missing_verdict_comes_to_holds_for_all_reasons() -> None:
    locking = Layer("policy", {"inconclusive": "block"}, ("inconclusive",))
    with pytest.raises(UsageError, match="inconclusive_by_reason is locked by policy"):
        resolve([locking, read_command_line({"inconclusive_by_reason": TABLE})])


@pytest.mark.parametrize("locked", [(), ("inconclusive",)])
def test_a_stronger_word_on_a_missing_verdict_is_one_on_all_reasons(locked: tuple[str, ...]) -> None:
    weak = Layer("pyproject.toml", {"inconclusive_by_reason": TABLE})
    effective = resolve([weak, Layer("policy", {"inconclusive": "block"}, locked)])
    assert effective.policy.inconclusive_by_reason == {}
    own = Layer("policy", {"inconclusive": "block", "inconclusive_by_reason": TABLE}, locked)
    assert resolve([weak, own]).policy.inconclusive_by_reason == TABLE


def test_a_lock_below_is_not_lifted_by_a_file_above() -> None:
    weak = Layer("pyproject.toml", {}, ("exit_zero",))
    strong = Layer("policy", {}, ())
    with pytest.raises(UsageError, match=r"exit_zero is locked by pyproject\.toml"):
        resolve([weak, strong, read_command_line({"exit_zero": True})])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail-on = 'suspicion'", "did you mean fail_on?"),
        ("inconclusve = 'warn'", "did you mean inconclusive?"),
        ("zzz = 1", "there are fail_on"),
        ("locked = ['exit_zer']", "did you mean exit_zero?"),
        ("locked = 'exit_zero'", "no list of keys"),
        ("fail_on = 'nothing'", "not one of backdoored, suspicion"),
        ("fail_on = ['suspicion']", "not one of"),
        ("inconclusive = 'pass'", "not one of block, fail, warn"),
        ("exit_zero = 'perhaps'", "neither true nor false"),
        ("exit_zero = 1", "neither true nor false"),
        ("required_detectors = ['eyes']", "not one of all-to-all"),
        ("required_detectors = [1]", "no list of texts"),
        ("min_coverage = 1.5", "no share"),
        ("min_coverage = nan", "no share"),
        ("min_coverage = true", "no share"),
        ("time_budget = 'soon'", "no duration"),
        ("time_budget = 0", "longer than nothing"),
        ("time_budget = true", "neither a number nor text"),
        ("memory_limit = '4 GBit'", "no size"),
        ("memory_limit = 0", "no size"),
        ("domains = 3", "no list of texts"),
        ("waivers = 3", "waivers are tables"),
        ("inconclusive_by_reason = 3", "no table of codes"),
        ("inconclusive_by_reason = {no-image = 'warn'}", "did you mean no-images?"),
        ("inconclusive_by_reason = {no-images = 'pass'}", "not one of block, fail, warn"),
        ("inconclusive_by_reason = {no-images = 1}", "not one of block, fail, warn"),
        ("inconclusive_by_reason = 'no-images'", "not one of block, fail, warn"),
        ("x = ", "is no TOML"),
        (WAIVER.replace("reason", "because"), "unknown because"),
        *((WAIVER.replace(f"{key} = ", "#"), f"waiver 1: without {key}") for key in (
            "fingerprint", "model_sha256", "reason", "approver", "expiry"
        )),
        (WAIVER.replace('"Ada"', '" "'), "approver is empty"),
        (WAIVER.replace("aaaa", "AAAA"), "is no SHA-256"),
        (WAIVER.replace("2026-12-31", "'soon'"), "is no day"),
    ],
)  # fmt: skip
def test_what_no_policy_can_say_is_an_error_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_policy_file(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_policy_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_policy_file(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["ONNXAUDIT_EXITZERO", "ONNXAUDIT_WAIVERS", "ONNXAUDIT_"])
def test_an_unknown_variable_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        read_environment({name: "1"})


def test_variables_hold_every_kind_of_value() -> None:
    layers = read_environment({
        "ONNXAUDIT_EXIT_ZERO": "true",
        "ONNXAUDIT_REQUIRED_DETECTORS": "trigger, waves",
        "ONNXAUDIT_MIN_COVERAGE": "0.5",
        "ONNXAUDIT_MEMORY_LIMIT": "4GiB",
        "ONNXAUDIT_MAX_AGE": "30d",
    })  # fmt: skip
    policy = resolve(layers).policy
    assert (policy.exit_zero, policy.required_detectors) == (True, ("patch", "spectral"))
    assert (policy.min_coverage, policy.memory_limit, policy.max_age) == (0.5, 2**32, 30 * 86400)


def test_old_names_of_keys_are_read_in_files_locks_and_variables(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('required_looks = ["trigger"]\nlocked = ["required_looks"]\n')
    layers = [read_policy_file(file), *read_environment({"ONNXAUDIT_REQUIRED_LOOKS": "patch"})]
    assert [(layer.values, layer.old_keys) for layer in layers] == [
        ({"required_detectors": ("patch",)}, ("required_looks",))
    ] * 2
    assert layers[0].locked == ("required_detectors",)


def test_both_names_of_a_key_at_once_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("required_looks = []\nrequired_detectors = []\n")
    with pytest.raises(UsageError, match="required_looks is the old name of required_detectors"):
        read_policy_file(file)
    with pytest.raises(UsageError, match="give required_detectors alone"):
        read_environment({"ONNXAUDIT_REQUIRED_LOOKS": "", "ONNXAUDIT_REQUIRED_DETECTORS": ""})


def test_a_pyproject_without_the_table_says_nothing(tmp_path: Path) -> None:
    assert read_pyproject(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert read_pyproject(tmp_path) is None


def test_the_hash_is_of_the_values_and_not_of_their_origins() -> None:
    by_option = resolve([read_command_line({"fail_on": "suspicion"})])
    by_variable = resolve(read_environment({"ONNXAUDIT_FAIL_ON": "suspicion"}))
    assert by_option.sha256 == by_variable.sha256 != resolve().sha256
    assert resolve().policy == Policy()


def test_a_link_lies_where_it_is_and_where_it_leads(tmp_path: Path) -> None:
    for folder in ("vendor", "store", "ci"):
        (tmp_path / folder).mkdir()
    (tmp_path / "store/blob").write_text("")
    (tmp_path / "vendor/m.onnx").symlink_to("../store/blob")
    (tmp_path / "ci/p.toml").symlink_to("../vendor/p.toml")
    model = tmp_path / "vendor/m.onnx"
    for policy, lies in (("vendor/p.toml", True), ("store/p.toml", True), ("ci/p.toml", True), ("ci/q.toml", False)):
        assert lies_with_subject(tmp_path / policy, [model], None) is lies


@pytest.mark.parametrize(
    ("policy", "model", "data", "lies"),
    [
        ("policy.toml", "models/m.onnx", "clean", False),
        ("models/policy.toml", "models/m.onnx", None, True),
        ("policy.toml", "m.onnx", None, True),
        ("clean/policy.toml", "models/m.onnx", "clean", True),
        ("clean/deep/policy.toml", "models/m.onnx", "clean", True),
        ("policy.toml", "models/m.onnx", ".", True),
        ("data/policy.toml", "models/m.onnx", "data/x.npz", True),
        ("data/policy.toml", "models/m.onnx", "data/x.npz:x,y", True),
        ("policy.toml", "models/../models/m.onnx", "data/x.npz", False),
        ("link/policy.toml", "models/m.onnx", None, True),
    ],
)
def test_a_policy_that_lies_with_model_or_data_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, model: str, data: str | None, lies: bool
) -> None:
    for folder in ("models", "clean/deep", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("models")
    monkeypatch.chdir(tmp_path)
    assert lies_with_subject(Path(policy), [Path(model)], data) is lies
