"""What is passed over where a folder is read as a list: files that are no videos, and folders without any."""

from glad.check.findings import Finding, Findings, Place
from glad.check.reading import Rows
from glad.check.rows import HELD
from glad.data.tree import passed_over


def folder_findings(rows: Rows) -> Findings:
    """Return what the folder of `rows` holds besides videos."""
    passed = passed_over(rows.file)
    said = {
        "other_file": [f"{path} is neither a video nor a frame of one" for path in passed.files],
        "no_video": [
            *(f"{path} holds no video" for path in passed.empty),
            *(f"{path} lies inside a folder of frames, and is not looked into" for path in passed.within),
        ],
    }
    found = (Finding(kind, text, Place(rows.number)) for kind, texts in said.items() for text in texts[:HELD])
    more = ((kind, len(texts) - HELD) for kind, texts in said.items() if len(texts) > HELD)
    return Findings(tuple(found), tuple(more))
