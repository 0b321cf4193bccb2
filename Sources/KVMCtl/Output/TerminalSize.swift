import Glibc

/// The size of the terminal that results go to.
enum TerminalSize {
    /// As the terminal says, or that of a VT100.
    static var current: (rows: Int, columns: Int) {
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0 && size.ws_col > 0
        return isKnown ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
    }
}
