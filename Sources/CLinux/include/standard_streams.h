#pragma once

/// Opens /dev/null on each of descriptors 0, 1 and 2 that is closed, so that no file of ours ever comes to be one of
/// them: the wrong way round, so that to read or to write there still fails. 0 or -errno.
int clinux_fill_standard_descriptors(void);

/// Writes what is buffered for stdout. 0, or -errno of the first write that failed since the start, -EIO if that is not
/// known any more.
int clinux_flush_stdout(void);
