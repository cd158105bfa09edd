package quiclink

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	alpn = "darray/1"

	leafLife = 24 * time.Hour
	backDate = time.Hour // for hosts whose clocks differ
)

// identity is what a rank proves itself with. Every holder of the token derives the same authority and signs its own
// short-lived certificate, whose one name says job and rank; nothing is ever written to a file.
type identity struct {
	cfg   Config
	ca    *x509.Certificate
	caKey ed25519.PrivateKey
	roots *x509.CertPool

	mu   sync.Mutex
	leaf *tls.Certificate
}

func newIdentity(cfg Config) (*identity, error) {
	seed, err := derive(cfg.Token, "darray/1 certificate authority")
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	// The authority's certificate stays in this process; peers make their own and agree in name and key.
	der, err := x509.CreateCertificate(rand.Reader, authority(), authority(), key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("quiclink: make authority: %w", err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("quiclink: make authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &identity{cfg: cfg, ca: ca, caKey: key, roots: roots}, nil
}

func authority() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "darray job"},
		NotBefore:             time.Unix(0, 0),
		NotAfter:              time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
}

// derive makes 32 bytes for one purpose from the token.
func derive(token []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, token, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("quiclink: derive key: %w", err)
	}
	return key, nil
}

// certificate returns this rank's certificate, a fresh one when half the life of the last is over.
func (id *identity) certificate() (*tls.Certificate, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.leaf != nil && time.Until(id.leaf.Leaf.NotAfter) > leafLife/2 {
		return id.leaf, nil
	}
	leaf, err := id.mint(id.cfg.Job, id.cfg.Rank)
	if err != nil {
		return nil, fmt.Errorf("quiclink: make certificate: %w", err)
	}
	id.leaf = leaf
	return leaf, nil
}

func (id *identity) mint(job string, rank int) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		DNSNames:     []string{peerName(job, rank)},
		NotBefore:    now.Add(-backDate),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, id.ca, key.Public(), id.caKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// tlsConfig is for both directions; dialing adds the ServerName, so that the standard verification checks the rank.
func (id *identity) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{alpn},
		RootCAs:                id.roots,
		ClientCAs:              id.roots,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true, // a resumed session saves 0.6 ms once and would outlive the checks
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return id.certificate()
		},
	}
}

// resetKey lets a restarted rank tell its old peers at once that it has forgotten them.
func (id *identity) resetKey() (*quic.StatelessResetKey, error) {
	key, err := derive(id.cfg.Token, "darray/1 stateless reset of rank "+strconv.Itoa(id.cfg.Rank))
	if err != nil {
		return nil, err
	}
	return (*quic.StatelessResetKey)(key), nil
}

// peerName is the one name in a rank's certificate. A job is any string and a DNS label is not, hence the hash.
func peerName(job string, rank int) string {
	return "rank-" + strconv.Itoa(rank) + "." + jobLabel(job) + ".darray"
}

func jobLabel(job string) string {
	sum := sha256.Sum256([]byte(job))
	return "job-" + hex.EncodeToString(sum[:16])
}

// verifiedRank reads the peer's rank from a certificate that TLS has verified.
func (id *identity) verifiedRank(state tls.ConnectionState) (int, error) {
	if len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return 0, fmt.Errorf("the peer showed no verified certificate")
	}
	names := state.PeerCertificates[0].DNSNames
	if len(names) != 1 {
		return 0, fmt.Errorf("the peer's certificate has %d names, want one", len(names))
	}
	return parseName(names[0], id.cfg.Job)
}

func parseName(name, job string) (int, error) {
	number, ok := strings.CutPrefix(name, "rank-")
	number, label, dot := strings.Cut(number, ".")
	if !ok || !dot {
		return 0, fmt.Errorf("the peer's certificate is for %q, which names no rank", name)
	}
	if label != jobLabel(job)+".darray" {
		return 0, fmt.Errorf("the peer belongs to another job than %q", job)
	}
	rank, err := strconv.Atoi(number)
	if err != nil || rank < 0 || name != peerName(job, rank) {
		return 0, fmt.Errorf("the peer's certificate is for rank %q, which is no number of a rank", number)
	}
	return rank, nil
}
