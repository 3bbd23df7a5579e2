"""Exports of the shape that services give, with invented text."""

import io
import random
import zipfile
from pathlib import Path

_LINES = """The oven was booked for Tuesday and arrived with the wrong plug.
We wrote to eleven suppliers; four answered, two of them kindly.
My uncle kept his accounts in a biscuit tin and was never a penny out.
A queue is a survey that people fill in with their feet.
The new price list fits on a postcard, which is how we chose it.
Somebody had labelled the drawer "important" and then lost the key.
I asked for the recipe and was given the weather.
Rye takes its time, and so does everyone who works with it.
The van broke down outside a garage, which felt like tact.
Nobody reads the second page, so we stopped writing it.
Our best customer has never once been on time.
They moved the counter a metre to the left and sold twice the soup.
A discount is an apology made in advance.
The intern found the error in an afternoon; it had been there since spring.
I keep the first invoice framed above the sink.
We tried a loyalty card, and the loyal ones forgot it at home.
Flour gets into keyboards, envelopes and opinions.
The inspector liked the floor and asked about the ceiling.
Every Thursday a man buys one roll and tells us about his bridge.
The meeting ended early because the bread did not.
She tastes with her eyes shut and prices with them open.
We lost the wholesale contract over a comma in the delivery terms.
The sign says open, and on Mondays it is being hopeful.
It took a power cut to learn how much we could do by hand.
Our website was down for a day, and the telephone was delighted.
The cinnamon came from a warehouse that smelled of nothing else.
I have fired a mixer but never a person.
There is a photograph of the old street in which our door is a bicycle shop.
You can hear from the crust whether somebody hurried.
The accountant asked what the crumbs were worth.
A regular moved to Lisbon and sends postcards of worse pastry.
We close at four because the bread says so.
The trainee burned forty loaves and was honest forty times.
Winter orders come by telephone; summer ones come barefoot.
My notes from that fair consist of one word, which is parking.
The baker next door lends us eggs and never counts them.
We translated the menu and lost a dish on the way.
Two spoons disappeared in March, and the tea improved.
The bank sent a calendar in which every month was a bridge.
I learned to say no by practising on an oven salesman."""
SENTENCES = _LINES.split("\n")


def posts(count: int, seed: int = 0) -> list[str]:
    """Texts of a few paragraphs, no two nearly the same."""
    draw = random.Random(seed)
    return ["\n\n".join(draw.sample(SENTENCES, draw.randint(3, 6))) for _ in range(count)]


def linkedin_cell(text: str) -> str:
    """A post as LinkedIn writes it into a CSV: every line in quotes of its own, once more than CSV asks for."""
    return '"' + '""\n""'.join(line.replace('"', '""""') for line in text.split("\n")) + '"'


def linkedin_zip(path: Path, count: int = 60, first: int = 0) -> Path:
    """An export with posts number `first` to `count`, one bare reshare, and files without words."""
    rows = ["Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility"]
    for number, text in list(enumerate(posts(count)))[first:]:
        date = f"20{20 + number // 24}-{number % 12 + 1:02}-{number % 28 + 1:02} 09:30:00"
        rows.append(f"{date},https://www.example.org/post/{number},{linkedin_cell(text)},,,MEMBER_NETWORK")
    rows.append("2023-05-01 08:00:00,https://www.example.org/post/reshare,,https://www.example.org/other,,MEMBER_NETWORK")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Shares_1234.csv", "\n".join(rows) + "\n")
        archive.writestr("Profile.csv", "First Name,Last Name,Maiden Name,Address,Birth Date,Headline\nAda,Miller,,,,Baker\n")
        archive.writestr("__MACOSX/._Shares_1234.csv", b"\0\5\x16\7")
    path.write_bytes(memory.getvalue())
    return path
