extension EntryRequest {
    /// A token bucket for everything that the interface with this index sends: RTM_NEWQDISC (rtnetlink(7)).
    package static func limit(_ link: UInt32, to bucket: TokenBucket) -> EntryRequest {
        // `struct tcmsg`: family and padding, the interface, a handle that the kernel chooses, the parent, no
        // information.
        var header: [UInt8] = [0, 0, 0, 0]
        for number in [link, 0, QueueingWire.root, 0] { header.append(number: number) }
        return EntryRequest(
            type: QueueingWire.newQueueing, flags: [.request, .acknowledge, .create, .exclusive], header: header,
            attributes: [
                .name(QueueingWire.kind, "tbf"),
                .nested(
                    QueueingWire.options,
                    [
                        .bytes(QueueingWire.Bucket.parameters, parameters(bucket)),
                        .number(QueueingWire.Bucket.rate, bucket.bytesPerSecond),
                        .number(QueueingWire.Bucket.burst, bucket.burst),
                    ]),
            ])
    }

    /// `struct tc_tbf_qopt`. Where an attribute beside it is more precise, the kernel takes that.
    private static func parameters(_ bucket: TokenBucket) -> [UInt8] {
        // `struct tc_ratespec`. Given a link layer, the kernel does without a rate table, which it no longer needs.
        var bytes: [UInt8] = [0, QueueingWire.Bucket.ethernet, 0, 0, 0, 0, 0, 0]
        bytes.append(number: UInt32(clamping: bucket.bytesPerSecond))
        bytes += [UInt8](repeating: 0, count: 12)  // no peak rate
        bytes.append(number: bucket.queue)
        bytes += [UInt8](repeating: 0, count: 8)  // the burst and the largest frame, in ticks
        return bytes
    }
}

/// Constants of rtnetlink's queueing messages, with their kernel names.
enum QueueingWire {
    static let newQueueing: UInt16 = 36  // RTM_NEWQDISC
    static let root: UInt32 = 0xffff_ffff  // TC_H_ROOT, linux/pkt_sched.h

    static let kind: UInt16 = 1  // TCA_KIND
    static let options: UInt16 = 2  // TCA_OPTIONS

    /// In TCA_OPTIONS of a tbf.
    enum Bucket {
        static let parameters: UInt16 = 1  // TCA_TBF_PARMS
        static let rate: UInt16 = 4  // TCA_TBF_RATE64
        static let burst: UInt16 = 6  // TCA_TBF_BURST
        static let ethernet: UInt8 = 1  // TC_LINKLAYER_ETHERNET
    }
}
