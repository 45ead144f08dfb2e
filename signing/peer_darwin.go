package signing

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerUser returns the user number of the process at the other end, as the kernel knows it.
func peerUser(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("look at the peer: %w", err)
	}
	var found *unix.Xucred
	var asked error
	err = raw.Control(func(fd uintptr) { found, asked = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED) })
	if err == nil {
		err = asked
	}
	if err != nil {
		return -1, fmt.Errorf("look at the peer: %w", err)
	}
	return int(found.Uid), nil
}
