package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/comm"
)

// bareLoop is the rival of quiclink: one quic-go connection between the same two processes, a unidirectional stream a
// block, a byte back. Windows are those that prototypes found best.
type bareLoop struct {
	transport *quic.Transport
	listener  *quic.Listener
	conn      *quic.Conn
}

var bareConfig = &quic.Config{
	InitialStreamReceiveWindow:     4 << 20,
	MaxStreamReceiveWindow:         16 << 20,
	InitialConnectionReceiveWindow: 16 << 20,
	MaxConnectionReceiveWindow:     72 << 20,
}

const bareProtocol = "darray-bench"

// connectBare: rank 1 listens and tells rank 0 its address and certificate by comm.
func connectBare(ctx context.Context, c *comm.Comm) (*bareLoop, error) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	b := &bareLoop{transport: &quic.Transport{Conn: socket}}
	if c.Rank() == 1 {
		err = b.listen(ctx, c, socket.LocalAddr().String())
	} else {
		err = b.dial(ctx, c)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bareLoop) listen(ctx context.Context, c *comm.Comm, addr string) error {
	cert, err := bareCertificate()
	if err != nil {
		return err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{bareProtocol}, Certificates: []tls.Certificate{cert}}
	if b.listener, err = b.transport.Listen(config, bareConfig); err != nil {
		return err
	}
	if err := tellAddress(ctx, c, addr, cert); err != nil {
		return err
	}
	b.conn, err = b.listener.Accept(ctx)
	return err
}

func (b *bareLoop) dial(ctx context.Context, c *comm.Comm) error {
	addr, roots, err := bareAddress(ctx, c)
	if err != nil {
		return err
	}
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{bareProtocol}, RootCAs: roots, ServerName: bareProtocol}
	b.conn, err = b.transport.Dial(ctx, to, config, bareConfig)
	return err
}

// bareCertificate is one that signs itself.
func bareCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{bareProtocol}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}, err
}

// tellAddress sends rank 0 where a bare loop listens, and bareAddress takes it.
func tellAddress(ctx context.Context, c *comm.Comm, addr string, cert tls.Certificate) error {
	if err := comm.Send(ctx, c, 0, tagAddr, []byte(addr)); err != nil {
		return err
	}
	return comm.Send(ctx, c, 0, tagCert, cert.Certificate[0])
}

func bareAddress(ctx context.Context, c *comm.Comm) (addr string, roots *x509.CertPool, err error) {
	text, cert := make([]byte, 64), make([]byte, 4096)
	status, err := comm.Recv(ctx, c, 1, tagAddr, text)
	if err != nil {
		return "", nil, err
	}
	addr = string(text[:status.Count])
	if status, err = comm.Recv(ctx, c, 1, tagCert, cert); err != nil {
		return "", nil, err
	}
	leaf, err := x509.ParseCertificate(cert[:status.Count])
	if err != nil {
		return "", nil, err
	}
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	return addr, roots, nil
}

// pass moves the block once.
func (b *bareLoop) pass(ctx context.Context, rank int, block []byte) error {
	ack := make([]byte, 1)
	if rank == 0 {
		if err := b.write(ctx, block); err != nil {
			return err
		}
		return b.read(ctx, ack)
	}
	if err := b.read(ctx, block); err != nil {
		return err
	}
	return b.write(ctx, ack)
}

func (b *bareLoop) write(ctx context.Context, data []byte) error {
	stream, err := b.conn.OpenUniStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := stream.Write(data); err != nil {
		return err
	}
	return stream.Close()
}

func (b *bareLoop) read(ctx context.Context, data []byte) error {
	stream, err := b.conn.AcceptUniStream(ctx)
	if err != nil {
		return err
	}
	if _, err = io.ReadFull(stream, data); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stream) // to its end, which frees the stream
	return err
}

func (b *bareLoop) close() {
	if b.conn != nil {
		_ = b.conn.CloseWithError(0, "done")
	}
	_ = b.transport.Close()
	_ = b.transport.Conn.Close()
}
