//go:build !linux

package quiclink

import "net"

// packetConn is the socket as it is: only Linux joins received packets.
func packetConn(udp *net.UDPConn) net.PacketConn { return udp }
