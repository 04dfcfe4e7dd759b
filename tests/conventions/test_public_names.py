"""What `import molinteract` offers."""

import importlib
import inspect

import pytest

import molinteract


def test_names_are_sorted_and_listed():
    assert list(molinteract.__all__) == sorted(molinteract.__all__)
    assert set(molinteract.__all__) <= set(dir(molinteract))


@pytest.mark.parametrize("name", molinteract.__all__)
def test_name_loads_and_is_documented(name):
    found = getattr(molinteract, name)
    assert inspect.getdoc(found)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        molinteract.nothing  # noqa: B018


def test_module_of_each_name_defines_it():
    for name in molinteract.__all__:
        module = importlib.import_module(molinteract._PUBLIC[name])
        assert getattr(module, name).__module__ == module.__name__
