/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One MESSAGE_ID for each kind of event; never changed, never used again.  Each has
 * its text in systemd/kvmtuned.catalog; a test compares the two. */
#ifndef KT_MESSAGE_IDS_H
#define KT_MESSAGE_IDS_H

/* X(event of base/log.h, id) */
#define KT_MESSAGE_ID_LIST(X)                                                                      \
	X(LOG_STARTED, "c69f58c117fc4ce79dad4e09df6ce2e9")                                         \
	X(LOG_STOPPED, "aa6e0fe71f4b4572b96d435442dfd054")                                         \
	X(LOG_CONFIG_REJECTED, "6cf622df3c8945d4804cf591a8c3db9e")                                 \
	X(LOG_CONFIG_RELOADED, "a1a946cbe05f4b1fb4daa84838d58698")                                 \
	X(LOG_CAPABILITY_MISSING, "78505eb267ff46c28a5f7028ef2bda30")                              \
	X(LOG_LIBVIRT_LOST, "8203c29bb85449e590dbaea00b982dc7")                                    \
	X(LOG_LIBVIRT_BACK, "d6adc8088e9c45df8fc0309fc9a5351e")                                    \
	X(LOG_LIBVIRT_LATE, "5e9d5b4d70194bc08303853a1be8cde0")                                    \
	X(LOG_KSM_CHANGED, "87001eb2338743e481ca7b230758e0a4")                                     \
	X(LOG_PIN_CHANGED, "01fb53db6d17420f90acfcea635605c9")                                     \
	X(LOG_MEMORY_MOVED, "51c7a5b8b146486fbcd94d049fbb9f65")                                    \
	X(LOG_MEMTUNE_CHANGED, "d52e2f0dd74e454a93fd5ddefbed821d")                                 \
	X(LOG_BALANCING_CHANGED, "41a94c12493547dd813b6eb767c4c0a5")                               \
	X(LOG_HOST_CHANGED, "141d79d7a41744d5ab577d7136f14cc1")                                    \
	X(LOG_VERDICT, "747f5ef676b540b4ae168d1dfa2e3686")                                         \
	X(LOG_CEDED, "c66bdcea23a4484ea37f7ed131b578db")                                           \
	X(LOG_WRITE_REFUSED, "aa6b3ff6a0a04af7a11f6abab4a29302")                                   \
	X(LOG_RESTORED, "236a2e21364945ffa2f579ea0f861df0")                                        \
	X(LOG_SENSE_FAILED, "4873091d3a50480c9e8239eeb9f30308")                                    \
	X(LOG_GUEST, "47bcac6347ee44cd8438920101bb7cf0")                                           \
	X(LOG_MERGED, "af196f422cc146368b3f9d01ba859386")                                          \
	X(LOG_PAUSED, "46bb3de2282f4d2990e28908e39fe562")                                          \
	X(LOG_RESUMED, "7b6f8c4cbaac4b4ab10ee3ec3c8666f7")                                         \
	X(LOG_AUDIT_FINDING, "be28e594987d42ec9c84a1e72644d2da")

#endif
