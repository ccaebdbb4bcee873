"""`aas match`: which individuals of a gallery are on photos, and which photos show none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import UNREADABLE_STATUS
from aas_plugin.commands.embed import (
    Device,
    Model,
    Modules,
    embed_photos,
    named_rows,
    open_trained,
    photo_settings,
    read_photos,
    told_unreadable,
)


def match(
    model: Model,
    gallery: Annotated[Path, typer.Argument(help="Known individuals: a folder each, or a CSV file with identities.")],
    photos: Annotated[Path, typer.Argument(help="Folder of photos, or a CSV file.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Individuals to list for a photo.")] = 5,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", help="Best score below which a photo shows an unknown individual; else p_unknown above 0.5."
        ),
    ] = None,
    unknown_share: Annotated[
        float,
        typer.Option(
            "--unknown-share", min=0, max=1, help="Share of the photos that you expect to be of unknown ones."
        ),
    ] = 0.5,
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write.")] = Path("matches.csv"),
    draw: Annotated[
        Path | None, typer.Option("--draw", help="Folder for a picture of each photo beside its best match.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="evidence=local and its settings; dataset.columns.path=filePath, e.g."
        ),
    ] = None,
    device: Device = "auto",
    plugin: Modules = None,
) -> None:
    """Match photos with a gallery: the best individuals with scores and probabilities, unknown ones flagged.

    An individual's score is the cosine similarity of its most similar gallery photo, at most 1. `probability` is that
    the photo shows it, `p_unknown` that it shows none of the gallery's. Both are calibrated in the gallery, where each
    photo is searched for once without itself, as one of a known individual, and once without its individual, as one
    of an unknown one. `unknown` is p_unknown above 0.5, or a best score below --threshold.

    With --set evidence=local keypoints are compared, too, and the score is the probability that it is the same
    individual, calibrated on the gallery; where keypoints do not help there, all is as without them.

    A photo that cannot be read has one row with the reason, and the exit status is 3.
    """
    from rich.console import Console

    console = Console(highlight=False)
    with console.status("loading"):
        import numpy as np
        import pandas as pd

        from aas_plugin.commands.matching_evidence import MatchEvidence
        from aas_plugin.commands.matching_unknown import Chances
        from aas_plugin.data.catalogue import content_hashes
        from aas_plugin.errors import AasError
        from aas_plugin.evaluation.matching import best_per_individual, cosine, top_individuals
        from aas_plugin.files import write_text

    given = photo_settings(sets, ("evidence",))
    beside = MatchEvidence(given, plugin, console)
    if draw is not None and not beside.chosen:
        raise AasError("--draw shows keypoints that match; add --set evidence=local")
    opened = open_trained(model, device, plugin, console)
    known, new = read_photos(gallery, given, lenient=True), read_photos(photos, given, lenient=True)
    if not known.has_identities:
        raise AasError(
            f"the gallery {gallery} says of no photo who is on it; put each into gallery/individual/photo, or give a "
            "CSV file with a column 'identity'"
        )
    of_known, lost_known = embed_photos(opened, known, device, console, "gallery")
    all_features, lost = embed_photos(opened, new, device, console, "photos")
    readable = ~np.isin(np.arange(len(known)), list(lost_known))
    named = readable & known.table["identity"].notna().to_numpy(dtype=bool)
    if not named.any():
        raise AasError(f"no photo of the gallery {gallery} that can be read says who is on it; see `aas data show`")
    individual, names = pd.factorize(known.table["identity"][named], sort=True)
    individual = individual.astype(np.int64)
    seen = np.setdiff1d(np.arange(len(new)), list(lost))
    gallery_features, features = of_known[named], all_features[seen]
    of_photos, of_gallery = cosine(features, gallery_features), cosine(gallery_features, gallery_features)
    rows_named = np.flatnonzero(named)
    fused = beside.fused(known, rows_named, new, seen, gallery_features, features, individual)
    probable = fused is not None and fused.counts
    if fused is not None and fused.counts:
        of_photos, of_gallery = fused.photos, fused.gallery
    scores = best_per_individual(of_photos, len(features), individual)
    ranked, ranked_scores = top_individuals(scores, k)
    hashes = content_hashes(known, rows=rows_named.tolist())
    chances = Chances(of_gallery, individual, [hashes[row] for row in rows_named], probable)
    p_unknown, probability = chances.of(scores, unknown_share)
    # Without a calibration p_unknown is NaN, which is above nothing.
    unknown = p_unknown > 0.5 if threshold is None else ranked_scores[:, 0].astype(np.float64) < threshold
    shown = ranked.shape[1]
    rows = named_rows(new)
    table = rows.loc[np.repeat(seen, shown)].assign(
        rank=np.tile(np.arange(1, shown + 1), len(seen)),
        individual=np.asarray(names, dtype=object)[ranked].ravel(),
        score=ranked_scores.ravel(),
        unknown=np.repeat(unknown, shown),
        probability=np.take_along_axis(probability, ranked, axis=1).ravel(),
        p_unknown=np.repeat(p_unknown, shown),
    )
    if lost:
        # In the order of the photos, with blank cells but the reason.
        table = pd.concat([table, rows.loc[list(lost)].assign(unreadable=list(lost.values()))])
        table = table.sort_index(kind="stable").astype({"rank": "Int64", "unknown": object})
    write_text(output, table.to_csv(index=False, float_format="%.4f"))

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    nobody = int((readable & ~named).sum())
    left_out = f", {nobody} photos without an individual left out" if nobody else ""
    if fused is not None:
        say(beside.told(fused))
    say(f"gallery: {int(named.sum())} photos of {len(names)} individuals{left_out}")
    if k > len(names):
        say(f"-k {k} is more than there are individuals; {len(names)} are listed")
    flagged = f"{int(unknown.sum())} of {len(seen)} photos show an unknown individual"
    if threshold is not None:
        say(f"{flagged}: best score below {threshold:.4f}, given")
    elif chances.calibration is None:
        say("no photo is flagged as of an unknown individual; give the score below which it is one with --threshold")
    else:
        say(f"{flagged}: p_unknown above 0.5, if about {unknown_share:.0%} of them do (--unknown-share)")
    say(chances.told())
    say(f"{output}: the best {shown} individuals of {len(seen)} photos")
    if draw is not None:
        beside.draw(draw, of_photos, individual, ranked[:, 0])
        say(f"{draw}: {len(seen)} pictures, each of a photo and of the gallery's best match, with keypoints that match")
    for catalogue, problems in ((known, lost_known), (new, lost)):
        if problems:
            say(told_unreadable(catalogue, problems))
    if lost or lost_known:
        raise typer.Exit(UNREADABLE_STATUS)
