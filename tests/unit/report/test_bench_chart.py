import re
from dataclasses import replace
from xml.etree import ElementTree

from pete.report.bench import Load
from pete.report.bench_chart import bench_svg
from tests.bench import a_bench

SVG = "{http://www.w3.org/2000/svg}"


def test_it_is_a_file_of_its_own_with_every_way_and_the_floor():
    text = bench_svg(a_bench())
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg" and int(root.attrib["width"]) == 760
    words = [element.text for element in root.iter(f"{SVG}text")]
    for name in ("the report's way", "Pete", "transformers", "Pete, llama", "floor 500", "400, 80% of floor", "4 GB"):
        assert name in words, name
    used = set(re.findall(r"var\(--(\w+)\)", text))
    assert len(used) > 3 and all(f"--{name}:" in text for name in used), "there is no page around it that knows the colours"
    assert not any(colour in text for colour in ("nan", "inf"))
    assert bench_svg(a_bench()) == text


def test_longer_is_more_and_nothing_leaves_the_picture():
    root = ElementTree.fromstring(bench_svg(a_bench()))
    bars = [line for line in root.iter(f"{SVG}polyline") if line.attrib["stroke-width"] == "9"]
    lengths = [float(b) - float(a) for line in bars for a, b in [re.findall(r"([\d.]+),", line.attrib["points"])]]
    assert len(lengths) == 2 * 3 + 2 * 2 and lengths[0] < lengths[1] < lengths[2] and lengths[2] / lengths[1] > 3.9
    height = float(root.attrib["height"])
    for line in root.iter(f"{SVG}polyline"):
        for x, y in re.findall(r"([\d.-]+),([\d.-]+)", line.attrib["points"]):
            assert 0 <= float(x) <= 760 and 0 <= float(y) <= height


def test_a_busy_machine_is_marked():
    assert "BUSY" not in bench_svg(a_bench())
    assert "BUSY, 1.5 cores" in bench_svg(a_bench(load=Load(2, 1.5, 0.2)))


def test_what_is_not_finished_says_so_and_draws_what_there_is():
    whole = a_bench()
    some = tuple(replace(one, held_out=None, ours_over=None, warm_up=0) for one in whole.devices[0].trained[:1])
    device = replace(whole.devices[0], base_loss=None, trained=some, decoded=())
    text = bench_svg(a_bench(devices=(device,), finished=False))
    assert "; not finished" in text and "the report&#x27;s way" in text and "5% of floor, first step" in text and "Answering" not in text
    assert "not finished" not in bench_svg(whole) and "first step" not in bench_svg(whole)
