#pragma once

/// Opens /dev/null on each of descriptors 0, 1 and 2 that is closed, so that no other file gets one of these numbers.
/// It is opened the wrong way round, so that reading or writing there still fails. 0 or -errno.
int clinux_fill_standard_descriptors(void);

/// Writes what is buffered for stdout. 0, or -errno of the first write that failed since the start, or -EIO if that is
/// no longer known.
int clinux_flush_stdout(void);
