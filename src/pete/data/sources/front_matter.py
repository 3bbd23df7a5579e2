"""Front matter: what stands above a document about it, between lines of --- (YAML), +++ (TOML) or in braces (JSON)."""

import datetime
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from pete.data.sources.dates import iso_date

_YAML = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"^([\w -]{1,40}?)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_SETTINGS = re.compile(r"(?:[ \t]*(?:#[^\n]*|- [^\n]*)|[ \t]+[^\n]*|[\w -]{1,40}:(?:[ \t][^\n]*)?|)(?:\n|\Z)")
"""A line of front matter, however broken: prose between two rules is none."""
_FILE_DATE = re.compile(r"(?:^|/)(\d{4}-\d\d?-\d\d?)[-_ .]")


def split(text: str) -> tuple[dict[str, Any], str]:
    """What the front matter says, by small names, and the text below it.

    Front matter that is broken (a colon in a title without quotes is) gives its plain lines `name: value`; a rule of --- is none.
    """
    opened = text.lstrip("\ufeff \t\n")
    for pattern, parse in ((_YAML, _yaml), (_TOML, tomllib.loads)):
        if found := pattern.match(opened):
            try:
                read: object = parse(found[1])
            except (ValueError, RecursionError):  # both parsers' errors, and dates that are none
                read = None
            if not isinstance(read, dict) and found[1].strip():
                read = dict(_KEY.findall(found[1])) if all(map(_SETTINGS.fullmatch, found[1].splitlines(keepends=True))) else None
                if not read:
                    return {}, text
            return _small(read if isinstance(read, dict) else {}), opened[found.end() :]
    if re.match(r'\{\s*"', opened):  # Hugo takes JSON too
        try:
            settings, end = json.JSONDecoder().raw_decode(opened)
        except (ValueError, RecursionError):
            return {}, text
        if opened[end:].startswith("\n") and opened[end:].strip():
            return _small(settings), opened[end:]
    return {}, text


def _small(read: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).strip().lower(): value for key, value in read.items()}


def _yaml(text: str) -> object:
    """As python-frontmatter reads it, with its errors as ValueError."""
    import yaml
    from frontmatter.default_handlers import YAMLHandler

    try:
        return YAMLHandler().load(text)
    except (yaml.YAMLError, AttributeError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def said(meta: Mapping[str, Any], *names: str) -> str:
    """The first of these that says anything, as text; of a list its first."""
    for name in names:
        value = meta.get(name)
        if isinstance(value, list | tuple):
            value = value[0] if value else None
        if isinstance(value, Mapping):
            value = value.get("name")
        if isinstance(value, str | int | float | datetime.date) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def date_of(meta: Mapping[str, Any], name: str) -> datetime.datetime | None:
    """When a document was written: as its front matter says, else as its file's name begins (2024-01-02-title.md)."""
    for key in ("date", "published", "published_at", "publishdate", "pubdate", "created", "created_at", "updated", "lastmod"):
        if moment := iso_date(meta.get(key)):
            return moment
    found = _FILE_DATE.search(name)
    return iso_date(found[1]) if found else None


def unpublished(meta: Mapping[str, Any], name: str) -> bool:
    """Whether a blog's page says that it is a draft, or lies among the drafts."""
    if f"/{name}".lower().find("/_drafts/") >= 0:
        return True
    return _says(meta.get("draft"), True) or _says(meta.get("published"), False) or said(meta, "status").lower() == "draft"


def _says(value: object, wanted: bool) -> bool:
    return value is wanted or (isinstance(value, str) and value.strip().lower() == str(wanted).lower())
