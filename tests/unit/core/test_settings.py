import pytest

from molinteract.core.errors import ConfigError
from molinteract.core.settings import PAPER, BuildSettings, PatchParameters, require_paper


def test_defaults_are_the_papers():
    assert PatchParameters().model_dump() == {"radius": 8.0, "d_inter": 4.0, "d_intra": 2.0}


def test_file_then_overrides(tmp_path):
    file = tmp_path / "build.toml"
    file.write_text('[patches]\nradius = 6.5\n[policies]\ncomponents = "any"\n')
    settings = BuildSettings.load(file, ["patches.radius=7", "policies.hydrogens=none"])
    assert settings.patches.radius == 7
    assert settings.policies.hydrogens == "none"
    assert settings.policies.components == "any"


def test_unknown_key_names_the_nearest_one():
    with pytest.raises(ConfigError, match=r"unknown setting 'patches.raduis'(.|\n)*did you mean 'radius'"):
        BuildSettings.load(overrides=["patches.raduis=7"])


def test_unknown_key_without_a_near_one_lists_all():
    with pytest.raises(ConfigError, match="known keys: labels, limits, patches, policies"):
        BuildSettings.load(overrides=["zzz=7"])


@pytest.mark.parametrize("override", ["patches.radius=-1", "patches.radius=wide", "policies.hydrogens=maybe"])
def test_value_out_of_range_is_named(override):
    with pytest.raises(ConfigError, match="setting '"):
        BuildSettings.load(overrides=[override])


@pytest.mark.parametrize("override", ["patches.radius", "=3", "patches.radius.x=3"])
def test_malformed_override(override):
    with pytest.raises(ConfigError):
        BuildSettings.load(overrides=["patches.radius=3", override])


def test_unreadable_and_invalid_files(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        BuildSettings.load(tmp_path / "absent.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[patches\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        BuildSettings.load(bad)


def test_fingerprint_follows_the_values():
    assert PatchParameters().fingerprint() == PatchParameters(radius=8.0).fingerprint()
    assert PatchParameters().fingerprint() != PatchParameters(radius=8.1).fingerprint()


def test_the_defaults_are_the_papers_set_up():
    assert BuildSettings() == PAPER
    require_paper(BuildSettings.load(overrides=["limits.seconds=5"]))


@pytest.mark.parametrize(
    "override", ["patches.radius=7.5", "policies.components=any", "policies.hydrogens=normalised", "labels=false"]
)
def test_a_setting_that_is_not_the_papers_is_named(override):
    with pytest.raises(ConfigError, match=override.partition("=")[0]):
        require_paper(BuildSettings.load(overrides=[override]))
