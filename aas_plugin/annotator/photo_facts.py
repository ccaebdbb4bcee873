"""What a camera wrote into a photo: when, where and with what it was taken."""

from __future__ import annotations

from typing import Any

from PIL import Image

MAKE, MODEL, DATE = 0x010F, 0x0110, 0x0132
DETAILS, PLACE = 0x8769, 0x8825
TAKEN = 0x9003


def exif_facts(exif: Image.Exif) -> list[tuple[str, str]]:
    """The `date`, `place` and `camera` of a photo, each where it is known and can be read."""
    found = []
    date = _text(exif.get_ifd(DETAILS).get(TAKEN)) or _text(exif.get(DATE))
    if date:
        found.append(("date", date.replace(":", "-", 2)))
    place = _place(exif.get_ifd(PLACE))
    if place:
        found.append(("place", place))
    make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
    camera = model if model.startswith(make) else f"{make} {model}".strip()
    if camera:
        found.append(("camera", camera))
    return found


def _place(told: dict[int, Any]) -> str:
    """Latitude and longitude in degrees; blank where they are not known."""
    try:
        degrees = [_degrees(told[value], _text(told[side])) for side, value in ((1, 2), (3, 4))]
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        return ""
    return ", ".join(f"{one:.5f}" for one in degrees)


def _degrees(parts: Any, side: str) -> float:
    hours, minutes, seconds = (float(part) for part in parts)
    found = hours + minutes / 60 + seconds / 3600
    if not 0 <= found <= 180:
        raise ValueError("no degrees")
    return -found if side in ("S", "W") else found


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return "".join(character for character in text if character.isprintable()).strip()[:100]
