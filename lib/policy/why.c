/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is each reason called, and what would change it? */
#include "plan.h"

#define X(constant, word, sentence, change) [constant] = { word, sentence, change },
static const struct {
	const char *word, *sentence, *change;
} reasons[] = { KT_WHY_LIST(X) };
#undef X

_Static_assert(sizeof reasons / sizeof reasons[0] == _WHY_MAX, "every reason has its words");

const char *why_str(enum why why)
{
	return reasons[(unsigned int)why < _WHY_MAX ? why : WHY_NONE].word;
}

const char *why_sentence(enum why why)
{
	return reasons[(unsigned int)why < _WHY_MAX ? why : WHY_NONE].sentence;
}

const char *why_change(enum why why)
{
	return reasons[(unsigned int)why < _WHY_MAX ? why : WHY_NONE].change;
}

const char *wish_str(enum wish wish)
{
	return wish == WISH_SET ? "set" : wish == WISH_RELEASE ? "release" : "hold";
}
