"""What is asked of a stock CKAN that has harvested a portal of ours: pure comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

# What says when stock wrote something, or by which of its own records.
OF_THE_RUN = {"metadata_modified", "metadata_created", "created", "harvest_object_id"}


def without_run(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """A dataset as stock's API shows it, without what only tells of the run that wrote it."""
    extras = {item["key"]: item["value"] for item in dataset.get("extras", [])}
    resources = sorted(
        (
            {key: value for key, value in resource.items() if key not in OF_THE_RUN}
            for resource in dataset["resources"]
        ),
        key=lambda resource: str(resource["position"]),
    )
    found = {**dataset, "extras": extras, "resources": resources}
    found["extras"] = {key: value for key, value in extras.items() if key not in OF_THE_RUN}
    return {key: value for key, value in found.items() if key not in OF_THE_RUN}


def errors(run: Mapping[str, Any]) -> list[str]:
    """What went wrong in a run."""
    found = [*run["gather_errors"], *run["object_errors"]]
    found += [f"{count} records {how}" for how, count in run["records"].items() if how == "errored"]
    if run["job"] != "Finished":
        found.append(f"the job is {run['job']}")
    return found


def titles(ours: Mapping[str, str], theirs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Differences between our titles by our ids and those that a source brought."""
    wanted = Counter(ours.values())
    found = Counter(str(dataset["title"]) for dataset in theirs.values())
    missing = [f"missing: {title}" for title in (wanted - found).elements()]
    return sorted(missing + [f"not ours: {title}" for title in (found - wanted).elements()])


def changes(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Which datasets a run made, lost, or left different from what they were."""
    found = [f"made: {key}" for key in after.keys() - before.keys()]
    found += [f"lost: {key}" for key in before.keys() - after.keys()]
    for key in before.keys() & after.keys():
        old, new = without_run(before[key]), without_run(after[key])
        fields = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if fields:
            found.append(f"changed: {key}: {', '.join(fields)}")
    return sorted(found)


def files(theirs: Mapping[str, Mapping[str, Any]]) -> int:
    """How many resources came."""
    return sum(len(dataset["resources"]) for dataset in theirs.values())
