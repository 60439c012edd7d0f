"""What an inference unit costs."""

import pytest

from label_loop.console.prices import inference_unit_usd_per_hour


@pytest.mark.parametrize(
    ("text", "price"),
    [(None, 4.0), ("2.5", 2.5), ("0", 0.0), ("4,0", 4.0), ("-1", 4.0), ("nan", 4.0), ("inf", 4.0), ("", 4.0)],
)
def test_the_price_of_an_inference_unit_is_an_option_and_a_bad_one_is_told(monkeypatch, caplog, text, price):
    if text is not None:
        monkeypatch.setenv("AIRFLOW__LABEL_LOOP__INFERENCE_UNIT_USD_PER_HOUR", text)
    assert inference_unit_usd_per_hour() == price
    assert ("must be a number" in caplog.text) == (text in {"4,0", "-1", "nan", "inf", ""})
