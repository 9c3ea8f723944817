# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test get a thousand guests?

libvirt's own test driver, inside the private libvirtd, has the domains: the daemon meets a
real connection, real events and real answers.  tests/guests/stand_in.c has a process for
each, with QEMU's threads, that the daemon finds by its PID file and pins.
"""
import os
import pathlib
import signal
import subprocess
import time

from kvmlive import BUILD, PREFIX, wait_until

URI = "test+unix:///default"  # shared by all who are connected, for as long as one of them is
CONF = {"daemon": {"libvirt_uri": URI}}
PID_FILES = pathlib.Path("/run/libvirt/qemu")


class Guest:
    """One of the crowd; by its number it gets a name and a UUID."""

    def __init__(self, number):
        self.name = f"{PREFIX}crowd{number}"
        self.uuid = f"6b740000-0000-4000-8000-{number:012d}"
        self.xml_file = pathlib.Path(f"/run/{self.name}.xml")
        self.pid_file = PID_FILES / f"{self.name}.pid"
        self.process = 0

    def write_xml(self):
        self.xml_file.write_text(
            f"<domain type='test'><name>{self.name}</name><uuid>{self.uuid}</uuid>"
            "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>")

    def affinity(self):
        return {int(tid): os.sched_getaffinity(int(tid)) for tid in os.listdir(f"/proc/{self.process}/task")}

    def all_on(self, cpus):
        return all(mask == cpus for mask in self.affinity().values())


class Crowd:
    def __init__(self, count):
        PID_FILES.mkdir(parents=True, exist_ok=True)
        self.guests = []
        self._stand_in = subprocess.Popen([BUILD / "tests/stand_in"], text=True, bufsize=1,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._virsh = subprocess.Popen(["virsh", "-c", URI], text=True, bufsize=1, stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self.say("destroy test")  # the driver's own guest
        for number in range(count):
            self.start(number)
        wait_until(lambda: self.running() == count, 60, f"{count} domains of the test driver")

    def say(self, line):
        """To libvirt, in this order, not waiting for an answer."""
        self._virsh.stdin.write(line + "\n")

    @staticmethod
    def running():
        listed = subprocess.run(["virsh", "-c", URI, "list", "--name"], capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=60, check=True)
        return len(listed.stdout.split())

    def start(self, number):
        """The process first, as with QEMU: the event comes when everything is there."""
        guest = Guest(number)
        self._stand_in.stdin.write(guest.uuid + "\n")
        guest.process = int(self._stand_in.stdout.readline())
        guest.pid_file.write_text(f"{guest.process}\n")
        guest.write_xml()
        self.guests.append(guest)
        self.say(f"create {guest.xml_file}")
        return guest

    def destroy(self, guest):
        self.say(f"destroy {guest.uuid}")
        os.kill(guest.process, signal.SIGKILL)
        guest.pid_file.unlink()
        self.guests.remove(guest)

    def placed_in_s(self, guest, cpus, timeout_s=20):
        """Looks without a pause: this is measured in milliseconds."""
        began = time.monotonic()
        while not guest.all_on(cpus):
            if time.monotonic() - began > timeout_s:
                raise AssertionError(f"{guest.name} is not on {cpus}: {guest.affinity()}")
        return time.monotonic() - began

    def close(self):
        for process in (self._virsh, self._stand_in):
            process.stdin.close()
            process.wait(60)
