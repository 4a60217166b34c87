"""An intake that unpacks what is handed in with the usual tools, follows links and believes sizes."""

import json
import os
import resource
import sys
import zipfile
from pathlib import Path

from memory import Peak


def main() -> None:
    """Do one job and say how it went."""
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    for path, text in job["files"].items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(text)
    os.makedirs("/machine/in/unpacked")
    print("READY", flush=True)
    peak = Peak()
    names = {
        "path": Path("/machine/in/notebook.ipynb"),
        "notebook": job["notebook"],
        "tests": "/machine/tests",
    }
    exec(job["made"], names | {"zipfile": zipfile}, names)
    path, shown = names["path"], ""
    if zipfile.is_zipfile(path):
        # As `unzip` does: links become links, and names lead where they say.
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                target = Path("/machine/in/unpacked") / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                if info.external_attr >> 28 == 0xA:
                    target.symlink_to(archive.read(info).decode())
                else:
                    target.write_bytes(archive.read(info))
        read = [p for p in Path("/machine/in/unpacked").rglob("*") if p.is_file()]
    else:
        read = [path]
    for file in read:
        text = file.read_text(errors="replace")
        shown += text[:20_000]
    left = [str(p) for p in Path("/machine").iterdir() if p.name not in ("tests", "in")]
    report = {"score": 0, "shown": shown, "left": left, "grew_mib": peak.grew_mib()}
    print("\nREPORT " + json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
