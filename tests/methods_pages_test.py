"""Every method has its page in docs/methods, which names its configuration's switches and all that it logs."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import glad.methods
from glad.backbones.tiny import TinyConfig
from glad.batch import Batch, Clips
from glad.methods.base import MethodConfig

PAGES = Path(__file__).resolve().parent.parent / "docs" / "methods"
VIEWS = {"global": 1, "local": 2, "ordered": 3}
# What makes a method log all that it can, where its defaults do not, and what fits it to these views.
FIELDS: dict[str, tuple[dict[str, Any], ...]] = {
    "GladConfig": ({"align": ("global", "local", "cross", "both")}, {"cross": "two_classifiers"}),
    "CoMixConfig": ({"slow_nodes": (2,), "slow_probabilities": (1.0,)},),
    "CO2AConfig": ({"clips": 6},),
}


def method_configs() -> list[tuple[str, type[MethodConfig]]]:
    """Return every method of the package with the name of its page, which is that of its file."""
    found = []
    for module in pkgutil.iter_modules(glad.methods.__path__):
        if not module.name.endswith("_test"):
            loaded = importlib.import_module(f"glad.methods.{module.name}")
            for _, value in inspect.getmembers(loaded, inspect.isclass):
                if issubclass(value, MethodConfig) and value.__module__ == loaded.__name__ and value != MethodConfig:
                    found.append((module.name, value))
    return found


METHODS = method_configs()


def logged(config: type[MethodConfig]) -> set[str]:
    """Return every term and stat that the method can log."""
    g = torch.Generator().manual_seed(0)

    def clips() -> Clips:
        pixels = {v: torch.randint(0, 256, (4, n, 3, 4, 8, 8), generator=g).byte() for v, n in VIEWS.items()}
        times = {v: torch.arange(4 * n).reshape(n, 4).expand(4, n, 4) for v, n in VIEWS.items()}
        background = torch.randint(0, 256, (4, 3, 8, 8), generator=g).byte()
        return Clips(pixels, times, torch.randint(2**31, (4,), generator=g), background)

    found: set[str] = set()
    for fields in FIELDS.get(config.__name__, ({},)):
        torch.manual_seed(0)
        method = config(**fields).build(TinyConfig(width=16).build(), 3)
        losses = method(Batch(clips(), torch.tensor([0, 1, 2, 0]), clips(), clips(), draw=3, progress=0.5))
        found |= losses.terms.keys() | losses.stats.keys()
    return found


def quoted(page: str) -> set[str]:
    """Return what stands in backticks, whole and in its words: `method.align=both` holds `align`."""
    found = set()
    for words in re.findall(r"`([^`\n]+)`", page):
        found |= {words, *re.split(r"[=.\s,]+", words)}
    return found


@pytest.mark.parametrize("name, config", METHODS, ids=[config.__name__ for _, config in METHODS])
def test_a_method_s_page_names_all_that_it_logs_and_all_that_can_be_set(name, config):
    path = PAGES / f"{name}.md"
    assert path.exists(), f"{config.__name__} has no page {path.name}"
    words = quoted(path.read_text(encoding="utf-8"))
    assert logged(config) - words == set()
    assert set(config.model_fields) - words == set()


@pytest.mark.parametrize("name, config", METHODS, ids=[config.__name__ for _, config in METHODS])
def test_a_method_s_page_shows_how_to_train_it(name, config):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ") and "glad train " in page and config.__name__ in page


def test_every_page_is_that_of_a_method():
    assert {path.stem for path in PAGES.glob("*.md")} <= {name for name, _ in METHODS}
