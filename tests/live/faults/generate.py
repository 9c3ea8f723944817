#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which calls of libvirt does kvmtuned make, and which faults may each of them have?

    generate.py BINARY        C on standard output: a stand-in for each call
    generate.py --list BINARY the rows: "CALL KIND" lines

The calls are those that the binary imports, and their types are of libvirt's own description
of its interface, so a call that is new in kvmtuned is covered by itself.
"""
import re
import subprocess
import sys
import xml.etree.ElementTree

LISTS = ("virDomainPtr **", "virDomainStatsRecordPtr **", "virDomainIOThreadInfoPtr **",
         "virTypedParameterPtr *", "unsigned char **")
NUMBERS = ("int *", "unsigned int *", "unsigned long *", "unsigned long long *")
ENDS = re.compile("Free$|Close$|Deregister|Unregister")  # what fails there is done all the same


class Call:
    def __init__(self, element):
        self.name = element.get("name")
        self.type = element.find("return").get("type")
        self.arguments = [(argument.get("type"), argument.get("name"))
                          for argument in element.findall("arg")]
        self.reads = not re.search("Pin[EIV].*(?<!Info)$|Set|Clear|Free", self.name)

    def argument(self, *types):
        """Name of the first of these types; None."""
        return next((name for of, name in self.arguments if of in types), None)

    def has(self, name):
        return any(one == name for _, one in self.arguments)

    def kinds(self):
        kinds = ["slow", "hang"]
        if self.type != "void":
            kinds.append("fail")
        if re.search("DomainPin|DomainSet", self.name):
            kinds.append("lie")
        if self.argument(*LISTS) and self.reads:
            kinds.append("null")
        if self.counts():
            kinds.append("count")
        if self.garbles() or self.type in ("int", "char *", "const char *"):
            kinds.append("garbage")
        return sorted(kinds)

    # --- one statement for each thing that can be wrong ------------------------------

    def counts(self):
        """More than there is, as far as whoever asked can tell: lists of guests end in NULL,
        an array of parameters has the size that was asked for."""
        if self.argument("virDomainPtr **", "virDomainStatsRecordPtr **"):
            return "r += 1000;"
        if ("int *", "nparams") in self.arguments and self.argument("virTypedParameterPtr"):
            return "*nparams = 1000;"
        if self.argument("unsigned char **"):
            return f"r = many_cpus({self.argument('unsigned char **')});"
        return ""

    def garbles(self):
        lines = []
        for of, name in self.arguments if self.reads else []:
            if of in NUMBERS and name != "nparams":
                lines.append(f"fault_garble({name}, {name} ? sizeof *{name} : 0);")
            elif of == "virDomainInfoPtr":
                lines.append(f"fault_garble({name}, sizeof *{name});")
            elif of == "unsigned char *" and self.has("maplen"):
                maps = "(size_t)ncpumaps * " if self.has("ncpumaps") else ""
                lines.append(f"fault_garble({name}, {maps}(size_t)maplen);")
            elif of == "unsigned char *" and name == "uuid":
                lines.append(f"fault_garble({name}, VIR_UUID_BUFLEN);")
            elif of == "virTypedParameterPtr" and self.has("nparams") and "Params" not in self.name:
                lines.append(f"garble_params({name}, *nparams);")
            elif of == "virTypedParameterPtr *":
                lines.append(f"garble_params(*{name}, *nparams);")
            elif of == "virDomainStatsRecordPtr **":
                lines.append(f"for (int i = 0; i < r; i++) garble_params((*{name})[i]->params, "
                             f"(*{name})[i]->nparams);")
            elif of == "virDomainIOThreadInfoPtr **":
                lines.append(f"for (int i = 0; i < r; i++) garble_iothread((*{name})[i]);")
            elif of == "unsigned char **":
                lines.append(f"fault_garble(*{name}, VIR_CPU_MAPLEN(r));")
        return " ".join(lines)

    def garbled_answer(self):
        if self.type == "char *":
            return "free(r); r = fault_garbage_text();"
        if self.type == "const char *":
            return r'r = "\xff%s%n<>\n";'
        if self.garbles():
            return self.garbles()
        return "fault_garble(&r, sizeof r);" if self.type == "int" else ""

    def subject(self):
        """Which guest it is about."""
        dom, uuid = self.argument("virDomainPtr"), self.argument("const unsigned char *")
        if dom:
            return f".dom = {dom}"
        return f".uuid = {uuid}" if uuid and self.has("uuid") else "0"

    # --- all of it ---------------------------------------------------------------------

    def failure(self):
        return "NULL" if self.type.endswith("*") or self.type.endswith("Ptr") else f"({self.type})-1"

    def special(self):
        """What libvirt says of a failure that was none of its own."""
        if self.name == "virGetLastErrorCode":
            return "\tif (fault_error() && f == FAULT_NONE)\n\t\treturn fault_error();\n"
        if self.name == "virGetLastErrorMessage":
            return "\tif (fault_error() && f == FAULT_NONE)\n\t\treturn FAULT_MESSAGE;\n"
        return ""

    def text(self):
        parameters = ", ".join(f"{of} {name}" for of, name in self.arguments) or "void"
        given = ", ".join(name for _, name in self.arguments)
        head = (f"{self.type} {self.name}({parameters})\n{{\n"
                f"\tstatic __typeof__({self.name}) *real;\n"
                f"\tenum fault f = fault_begin(\"{self.name}\", __builtin_return_address(0),\n"
                f"\t\t\t\t   (struct fault_subject){{ {self.subject()} }});\n")
        find = f"\n\tif (!real)\n\t\treal = (__typeof__(real))fault_real(\"{self.name}\");\n"
        if self.type == "void":
            return f"{head}{find}\treal({given});\n\tfault_end(f);\n}}\n"
        lies = "f == FAULT_LIE" + (" || f == FAULT_FAIL" if ENDS.search(self.name) else "")
        lines = [head + f"\t{self.type} r;\n" + find + self.special()]
        if not ENDS.search(self.name):
            lines.append(f"\tif (f == FAULT_FAIL)\n\t\treturn {self.failure()};\n")
        lines.append(f"\tr = real({given});\n\tfault_end(f);\n\tif ({lies})\n"
                     f"\t\treturn {self.failure()};\n")
        succeeded = "r" if self.failure() == "NULL" else "(int)r >= 0"
        for kind, statement in (("NULL", self.nulls()), ("COUNT", self.counts()),
                                ("GARBAGE", self.garbled_answer())):
            if statement:
                lines.append(f"\tif (f == FAULT_{kind} && {succeeded}) {{\n\t\t{statement}\n\t}}\n")
        return "".join(lines) + "\treturn r;\n}\n"

    def nulls(self):
        name = self.argument(*LISTS)
        return f"*{name} = NULL;" if name and self.reads else ""


PREAMBLE = r"""/* Written by generate.py. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

/* What they are called and how much they say; their kinds stay, for somebody frees them. */
__attribute__((unused)) static void garble_params(virTypedParameterPtr params, int n)
{
	for (int i = 0; i < n && params; i++) {
		if (params[i].type != VIR_TYPED_PARAM_STRING)
			fault_garble(&params[i].value, sizeof params[i].value);
		if (i % 2)
			fault_garble(params[i].field, sizeof params[i].field);
	}
}

__attribute__((unused)) static void garble_iothread(virDomainIOThreadInfoPtr thread)
{
	fault_garble(&thread->iothread_id, sizeof thread->iothread_id);
	fault_garble(thread->cpumap, (size_t)thread->cpumaplen);
}

__attribute__((unused)) static int many_cpus(unsigned char **map)
{
	enum { MANY = 100000 };
	unsigned char *grown = map ? realloc(*map, VIR_CPU_MAPLEN(MANY)) : NULL;

	if (grown)
		memset(*map = grown, 0xff, VIR_CPU_MAPLEN(MANY));
	return MANY;
}

"""


def described():
    where = subprocess.run(["pkg-config", "--variable=libvirt_api", "libvirt"], check=True,
                           capture_output=True, text=True).stdout.strip()
    tree = xml.etree.ElementTree.parse(where)
    return {element.get("name"): element for element in tree.iter("function")}


def calls(binary):
    imported = subprocess.run(["nm", "-D", "--undefined-only", binary], check=True,
                              capture_output=True, text=True).stdout
    names = sorted(set(re.findall(r"\bvir[A-Z]\w+", imported)))
    known = described()
    return [Call(known[name]) for name in names]  # KeyError: libvirt does not describe it


def main():
    if sys.argv[1] == "--list":
        for call in calls(sys.argv[2]):
            for kind in call.kinds():
                print(call.name, kind)
    else:
        print(PREAMBLE + "\n".join(call.text() for call in calls(sys.argv[1])), end="")


if __name__ == "__main__":
    main()
