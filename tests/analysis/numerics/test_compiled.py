"""Compiled functions: late, once, and without a folder to write to."""

import subprocess
import sys

import pytest

from analysis.numerics import compiled as module
from analysis.numerics.compiled import compiled


@compiled("float64(float64)")
def halve(x):
    return 0.5 * x


@compiled("float64(float64)")
def quarter(x):
    return halve(halve(x))


def test_compiled_functions_may_call_each_other():
    assert quarter(3.0) == 0.75


def test_name_in_the_module_becomes_the_compiled_function():
    quarter(1.0)

    assert not isinstance(globals()["quarter"], module._Late)
    assert globals()["halve"](5.0) == 2.5


def test_function_without_a_file_is_compiled_in_memory():
    """Numba refuses to cache what no file holds, as it does where neither package nor home may be written."""
    names = {}
    exec("def twice(x):\n    return 2.0 * x\n", names)

    assert compiled("float64(float64)")(names["twice"])(3.0) == 6.0


def test_wrong_type_is_refused_rather_than_compiled_again():
    with pytest.raises(TypeError, match="No matching definition"):
        quarter("a")


def test_import_of_the_engine_does_not_load_numba():
    code = "import sys, analysis.models.glmm, analysis.models.ordinal; print('numba' in sys.modules)"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "False"
