print("kvmctl")
