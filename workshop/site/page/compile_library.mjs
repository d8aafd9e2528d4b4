// Compile Pyodide's standard library: node compile_library.mjs FOLDER
//
// Pyodide itself does it, because compiled files are for one version of Python only. The
// zip in FOLDER is replaced by one that has, for each module, the source (a traceback
// shows its lines) and the compiled file.

import { rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder });
python.mountNodeFS("/folder", folder);
python.runPython(`
import py_compile
import zipfile
from pathlib import Path

library = Path("/library")
with zipfile.ZipFile("/folder/python_stdlib.zip") as archive:
    archive.extractall(library)
for source in list(library.rglob("*.py")):
    py_compile.compile(
        source,
        cfile=f"{source}c",
        # Where the module will seem to lie, in the zip of a page.
        dfile=f"/lib/python314.zip/{source.relative_to(library)}",
        doraise=True,
        # No look at the source: the times of files differ from page to page.
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
with zipfile.ZipFile("/folder/compiled.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path in library.rglob("*"):
        archive.write(path, path.relative_to(library))
`);
await rename(join(folder, "compiled.zip"), join(folder, "python_stdlib.zip"));
