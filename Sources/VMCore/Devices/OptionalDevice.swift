/// A kind of device, by QEMU's name, that only some keys ask for: some distributions build QEMU without it, or put it into
/// a package of its own.
package enum OptionalDevice: String, CaseIterable, Sendable {
    case virtioVGA = "virtio-vga"
    case qxlVGA = "qxl-vga"
    case soundController = "ich9-intel-hda"
    case soundCodec = "hda-output"
    case scsiController = "virtio-scsi-pci"
    case scsiDisk = "scsi-hd"
    case e1000e
    case sharedDirectory = "vhost-user-fs-pci"
}
