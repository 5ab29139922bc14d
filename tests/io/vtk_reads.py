"""VTK reads the images that write_vti and write_pvd write. usage: vtk_reads.py TOOL"""
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

try:
    import numpy as np
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # the one that Debian's packages are for
    print("skipped: no VTK (scripts/setup.sh installs python3-vtk9)")
    sys.exit(77)


def read(path):
    reader = vtkXMLImageDataReader()
    faults = []
    reader.AddObserver("ErrorEvent", lambda *_: faults.append("error"))
    reader.SetFileName(str(path))
    reader.Update()
    assert not faults and reader.GetOutput().GetNumberOfCells() > 0, path
    return reader.GetOutput()


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    subprocess.run([sys.argv[1], "vti", folder], check=True)

    image = read(folder / "cells.vti")
    assert image.GetOrigin() == (-1, 0.5, 0) and image.GetSpacing() == (0.25, 0.125, 1)
    assert image.GetDimensions() == (4, 3, 1) and image.GetNumberOfCells() == 6
    data = image.GetCellData()
    assert data.GetNumberOfArrays() == 2 and image.GetPointData().GetNumberOfArrays() == 0
    assert [data.GetArrayName(k) for k in range(2)] == ["a<b & \"c\">é'", "two"]
    first, second = vtk_to_numpy(data.GetArray(0)), vtk_to_numpy(data.GetArray(1))
    assert first.dtype == np.float64 and np.array_equal(first, np.arange(6))
    assert second.dtype == np.float32 and np.array_equal(second, np.arange(12).reshape(6, 2))
    bounds = image.GetCell(4).GetBounds()  # the second of the second row
    assert bounds[:4] == (-0.75, -0.5, 0.625, 0.75), bounds
    assert image.GetFieldData().GetArray("TimeValue").GetValue(0) == 0.1

    image = read(folder / "points.vti")
    assert image.GetDimensions() == (4, 1, 1) and image.GetPoint(3)[0] == 3.5
    assert np.array_equal(vtk_to_numpy(image.GetPointData().GetArray("u")), np.arange(4))
    image = read(folder / "line.vti")
    assert image.GetNumberOfCells() == 4 and image.GetBounds()[:2] == (2, 4)
    assert np.array_equal(vtk_to_numpy(image.GetCellData().GetArray("u")), np.arange(4))

    frames = xml.parse(folder / "all.pvd").getroot().findall("Collection/DataSet")
    assert [(float(f.get("timestep")), f.get("file")) for f in frames] == [(0, "cells.vti"), (0.5, "a&b.vti")]
print("1 passed, 0 failed")
