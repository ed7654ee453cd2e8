"""The benchmark of GradNorm: both ways are timed by turns, and the weights really learn in one of them."""

import pytest

from benchmarks import balancing
from benchmarks.networks import Trainer
from sercourse.training.devices import make_fabric
from sercourse.training.recipes import recipe

pytestmark = pytest.mark.usefixtures("threads_put_back")


def test_a_network_is_timed_both_ways():
    cost = balancing.measure_one("msfl", "quick", rounds=2)
    assert cost.fixed_seconds > 0
    assert 0.3 < cost.ratio < 10
    assert "msfl" in str(balancing.as_json([cost]))
    assert balancing.table([cost]).row_count == 1


def test_what_is_timed_is_what_is_said():
    weights = {}
    for name in ("fixed", "gradnorm"):
        settings = recipe("msfl").settings("quick", (f"balancer={name}",))
        trainer = Trainer(make_fabric(settings.loop), "msfl", settings)
        before = trainer.balancer.weights()
        trainer.epoch(0)
        weights[name] = before != trainer.balancer.weights()
    assert weights == {"fixed": False, "gradnorm": True}
