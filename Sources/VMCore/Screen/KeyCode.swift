/// A key of the guest's keyboard, by QEMU's name for it (QEMU, qapi/ui.json, QKeyCode).
package struct KeyCode: Hashable, Sendable, CustomStringConvertible {
    /// QEMU's name.
    package let description: String

    /// The key that a word names: by QEMU's name or a common other one, in any case. Nil if there is none.
    package init?(_ word: String) {
        let word = word.lowercased()
        let name = Self.others[word] ?? word
        guard Self.names.contains(name) else { return nil }
        description = name
    }

    /// A key that this code names.
    init(known name: String) { description = name }

    /// All names, for suggestions.
    static let words = names.sorted() + others.keys.sorted()

    /// What people and other tools call some keys.
    private static let others = [
        "alt_l": "alt", "altgr": "alt_r", "arrow_down": "down", "arrow_left": "left", "arrow_right": "right",
        "arrow_up": "up", "bs": "backspace", "bksp": "backspace", "capslock": "caps_lock", "control": "ctrl",
        "ctl": "ctrl", "ctrl_l": "ctrl", "del": "delete", "enter": "ret", "escape": "esc", "ins": "insert",
        "meta": "meta_l", "numlock": "num_lock", "page_down": "pgdn", "page_up": "pgup", "pagedown": "pgdn",
        "pageup": "pgup", "period": "dot", "printscreen": "print", "prtsc": "print", "return": "ret",
        "scrolllock": "scroll_lock", "shift_l": "shift", "space": "spc", "super": "meta_l", "win": "meta_l",
        // Linux's (input-event-codes.h).
        "102nd": "less", "equals": "equal", "grave": "grave_accent", "leftalt": "alt", "leftbrace": "bracket_left",
        "leftctrl": "ctrl", "leftmeta": "meta_l", "leftshift": "shift", "rightalt": "alt_r",
        "rightbrace": "bracket_right", "rightctrl": "ctrl_r", "rightmeta": "meta_r", "rightshift": "shift_r",
        "kpasterisk": "kp_multiply", "kpdot": "kp_decimal", "kpenter": "kp_enter", "kpminus": "kp_subtract",
        "kpplus": "kp_add", "kpslash": "kp_divide",
    ]

    /// The names that QEMU 7.2 has, less `unmapped`.
    private static let names = Set(
        """
        shift shift_r alt alt_r ctrl ctrl_r menu esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p \
        bracket_left bracket_right ret a s d f g h j k l semicolon apostrophe grave_accent backslash z x c v b n m comma \
        dot slash asterisk spc caps_lock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 num_lock scroll_lock kp_divide kp_multiply \
        kp_subtract kp_add kp_enter kp_decimal sysrq kp_0 kp_1 kp_2 kp_3 kp_4 kp_5 kp_6 kp_7 kp_8 kp_9 less f11 f12 \
        print home pgup pgdn end left up down right insert delete stop again props undo front copy open paste find cut \
        lf help meta_l meta_r compose pause ro hiragana henkan yen muhenkan katakanahiragana kp_comma kp_equals power \
        sleep wake audionext audioprev audiostop audioplay audiomute volumeup volumedown mediaselect mail calculator \
        computer ac_home ac_back ac_forward ac_refresh ac_bookmarks lang1 lang2
        """.split(separator: " ").map(String.init))
}
