"""Chinese, Japanese and Thai have no spaces: what is copied, echoed or said again is found there too, and nothing else is."""

import pytest

from pete.evaluate.scorers.collapse import Collapse
from pete.evaluate.scorers.degenerate import Degenerate
from pete.evaluate.scorers.echo import Echo
from pete.evaluate.scorers.originality import Originality, Source
from tests.unit.evaluate.conftest import sample

ROW = "ご注文の商品は本日十四時に倉庫から発送しました。到着は明日の朝の予定ですので、もう少々お待ちください。"
OTHER = "返品は三十日以内であれば無料です。箱が破れていても、猫が寝ていても、そのまま送ってください。"
THAI = "สินค้าของคุณออกจากคลังแล้ววันนี้ตอนบ่ายสองโมง และจะถึงบ้านคุณพรุ่งนี้เช้า"


@pytest.mark.parametrize("row", [ROW, THAI])
def test_a_recited_row_is_found_and_a_fresh_answer_is_not(row):
    scorer = Originality([Source(row, "row 1"), Source(OTHER, "row 2")], [])
    recited, fresh = scorer.score(sample("はい。" + row)), scorer.score(sample("倉庫の猫に聞いたところ、商品はまだ棚の上です。"))
    assert recited["any"] == 1 and recited["span"] > 8 and recited["covered"] > 0.9
    assert fresh["any"] == 0 and fresh["span"] < 4
    (mark,) = scorer.marks(sample("はい。" + row))
    assert ("はい。" + row)[mark.start : mark.end] == row.rstrip("。")


def test_an_answer_that_gives_the_prompt_back():
    prompt = "返品したいのですが、箱をもう捨ててしまいました。"
    assert Echo().score(sample(prompt, prompt=prompt))["any"] == 1 and Echo().score(sample(OTHER, prompt=prompt))["any"] == 0


def test_an_answer_that_goes_round():
    assert Degenerate().score(sample("お問い合わせありがとうございます。" * 3))["loop"] == 1
    assert Degenerate().score(sample("สวัสดีค่ะ ยินดีต้อนรับ " * 4))["loop"] == 1
    for text in (ROW, OTHER, THAI, ROW + OTHER, "はい。はい。わかりました。"):
        assert Degenerate().score(sample(text))["any"] == 0, text


def test_the_same_opening_is_four_words_and_not_four_letters():
    def shared(first, second):
        samples = [sample(first, prompt_id="a"), sample(second, prompt_id="b")]
        return Collapse(samples).score(samples[0])["any"]

    assert shared("お問い合わせありがとう。今日", "お問い合わせありがとう。明日") == 1
    assert shared("お問い合わせの件です。", "お問い合わり違います。") == 0
