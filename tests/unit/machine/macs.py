"""Macs on paper: what their programs print, and probes that play it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pete.machine.memory import Memory
from pete.machine.probes import Probes

GIB = 2**30
HOME = Path("/Users/ada")
ROOMY = Memory(24 * GIB, 15 * GIB, 0)

M4_PRO = {
    "sw_vers": "ProductName:\t\tmacOS\nProductVersion:\t\t26.1\nBuildVersion:\t\t25B78\n",
    "sysctl -n machdep.cpu.brand_string": "Apple M4 Pro\n",
    "sysctl -n sysctl.proc_translated": "0\n",
    "pmset -g batt": "Now drawing from 'AC Power'\n -InternalBattery-0 (id=23265379)\t80%; AC attached; not charging present: true\n",
    "pmset -g": """System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             1
 networkoversleep     0
 disksleep            10
 sleep                1 (sleep prevented by sharingd, powerd, coreaudiod)
 hibernatemode        3
 ttyskeepawake        1
 displaysleep         10
 tcpkeepalive         1
 powermode            0
 womp                 1
""",
    "pmset -g therm": "Note: No thermal warning level has been recorded\nNote: No performance warning level has been recorded\n"
    "Note: No CPU power status has been recorded\n",
    "ioreg -r -k AppleClamshellState -d 1": """+-o IOPMrootDomain  <class IOPMrootDomain, id 0x100000114, registered, matched, active>
    {
      "AppleClamshellState" = No
      "AppleClamshellCausesSleep" = Yes
      "IOPMSystemSleepType" = 2
    }

""",
    "system_profiler SPDisplaysDataType": """Graphics/Displays:

    Apple M4 Pro:

      Chipset Model: Apple M4 Pro
      Type: GPU
      Bus: Built-In
      Total Number of Cores: 16
      Vendor: Apple (0x106b)
      Metal Support: Metal 4
      Displays:
        Color LCD:
          Display Type: Built-in Liquid Retina XDR Display
          Resolution: 3024 x 1964 Retina
          Main Display: Yes
          Mirror: Off
          Online: Yes

""",
    "defaults read /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates": "0\n",
    "xattr /Users/ada/Desktop": "com.apple.macl\n",
    "xattr /Users/ada/Documents": "com.apple.macl\n",
}

M1 = M4_PRO | {
    "sw_vers": "ProductName:\t\tmacOS\nProductVersion:\t\t14.6.1\nBuildVersion:\t\t23G93\n",
    "sysctl -n machdep.cpu.brand_string": "Apple M1\n",
    "pmset -g batt": "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t37%; discharging; 3:12 remaining present: true\n",
    "pmset -g": """System-wide power settings:
 SleepDisabled\t\t0
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             0
 networkoversleep     0
 disksleep            10
 sleep                1
 hibernatemode        3
 ttyskeepawake        1
 displaysleep         2
 tcpkeepalive         1
 lowpowermode         1
 womp                 0
""",
}

MINI = M4_PRO | {
    "pmset -g batt": "Now drawing from 'AC Power'\n",
    "pmset -g": "System-wide power settings:\n SleepDisabled\t\t1\nCurrently in use:\n sleep                0\n disksleep            10\n",
    "ioreg -r -k AppleClamshellState -d 1": "",
}


@dataclass
class Tape:
    """Probes that play a recording back, and remember what was asked."""

    said: Mapping[str, str]
    asked: list[str] = field(default_factory=list)

    def run(self, command: Sequence[str], seconds: float) -> str | None:
        self.asked.append(" ".join(command))
        return self.said.get(" ".join(command))


def mac(said: Mapping[str, str] = M4_PRO, memory: Memory = ROOMY, files: Mapping[str, str] = {},
        packages: Mapping[str, str] = {"torch": "2.14.1"}, disk: int = 300 * GIB, environment: Mapping[str, str] = {},
        machine: str = "arm64") -> Probes:  # fmt: skip
    """A Mac's probes; `files` are paths and their text."""
    return Probes(
        run=Tape(said).run,
        read=lambda path: files.get(str(path)),
        names=lambda path: sorted({name[len(str(path)) + 1 :].split("/")[0] for name in files if name.startswith(f"{path}/")}),
        memory=lambda: memory,
        disk=lambda path: disk,
        version=packages.get,
        environment=environment,
        home=HOME,
        system="Darwin",
        machine=machine,
        python="3.13.1",
        kernel="25.1.0",
        cores=12,
    )
