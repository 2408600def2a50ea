"""What a release's proof says of its work."""

import pytest

from kasv import families


@pytest.mark.parametrize(
    ("deviation", "reproducibility", "family"),
    [
        (None, None, "unproven"),
        (0.0, 0.0, "same"),
        (1e-4, None, "same"),
        (2e-4, 2.1e-5, "racing"),
        (2e-4, 1.9e-5, "wrong"),
        (2e-4, None, "wrong"),
        (0.7, 1e-3, "wrong"),
    ],
)
def test_work(deviation, reproducibility, family):
    values = {"track_deviation": deviation, "track_reproducibility": reproducibility}
    assert families.work(values) == family


@pytest.mark.parametrize(
    ("deviation", "variant", "by_descent", "found"),
    [
        (None, None, 0.0, "unproven"),
        (1e-5, 1e-2, 0.0, "as published"),
        (1e-2, 1e-5, 0.0, "variant"),
        (1e-2, 1e-2, 0.0, "other"),
        (1e-2, None, 0.0, "other"),
        (1e-2, 1e-2, 1e-2, "unproven"),
        (1e-2, 1e-2, None, "unproven"),
    ],
)
def test_optimizer(deviation, variant, by_descent, found):
    values = {
        "track_optimizer_deviation": deviation,
        "track_variant_deviation": variant,
        "track_deviation": by_descent,
    }
    assert families.optimizer(values) == found


def test_a_variant_has_the_name_of_its_model_s_optimizer():
    assert families.optimizer_text("mnist_mlp", "variant") == "RMSprop with epsilon inside the root"
    assert "repeated rows" in families.optimizer_text("imdb_fasttext", "variant")
    assert families.optimizer_text("imdb_fasttext", "other") == "other"
