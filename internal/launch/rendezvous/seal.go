package rendezvous

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// A launcher's store is private to the job and yet may cross the network in clear. So the token travels sealed for one
// rank at a time: X25519 between fresh keys (RFC 7748), HKDF-SHA256, AES-256-GCM. Who only listens learns nothing; who can
// write to the store could take part anyway.

// newKey makes a key pair and gives its public half as text.
func newKey() (*ecdh.PrivateKey, string, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	return key, hex.EncodeToString(key.PublicKey().Bytes()), nil
}

// box is the cipher between a key of ours and a public one, for one rank of one job. Its key serves once, so that its
// nonce may be zero.
func box(key *ecdh.PrivateKey, public, job string, rank int) (cipher.AEAD, error) {
	raw, err := hex.DecodeString(public)
	if err != nil {
		return nil, errors.New("a public key that is no hex")
	}
	other, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	secret, err := key.ECDH(other)
	if err != nil {
		return nil, err
	}
	derived, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("darray/1 token for rank %d of %s", rank, job), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal is called by rank 0 for each other rank.
func seal(key *ecdh.PrivateKey, public, job string, rank int, token []byte) (string, error) {
	b, err := box(key, public, job, rank)
	if err != nil {
		return "", fmt.Errorf("seal the token for rank %d: %w", rank, err)
	}
	return hex.EncodeToString(b.Seal(nil, make([]byte, b.NonceSize()), token, nil)), nil
}

// unseal is called by the rank that the token was sealed for.
func unseal(key *ecdh.PrivateKey, public, job string, rank int, sealed string) ([]byte, error) {
	b, err := box(key, public, job, rank)
	if err != nil {
		return nil, fmt.Errorf("open rank 0's token: %w", err)
	}
	raw, err := hex.DecodeString(sealed)
	if err != nil || len(raw) > maxToken+b.Overhead() {
		return nil, errors.New("open rank 0's token: it is not well-formed")
	}
	token, err := b.Open(nil, make([]byte, b.NonceSize()), raw, nil)
	if err != nil {
		return nil, errors.New("open rank 0's token: it was not sealed for this rank")
	}
	return token, nil
}
