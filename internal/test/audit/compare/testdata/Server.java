// A TLS server of Java's own: java Server.java ADDRESS PORT OPTION…
//
//   cert=FILE  a certificate and its key, as PEM
//   every      every protocol and suite that there is
//   order      the server's order decides
//   auth=FILE  clients show a certificate of this authority

import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import java.util.concurrent.*;
import javax.net.ssl.*;

public class Server {
    static final char[] NONE = new char[0];

    public static void main(String[] args) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12"), roots = KeyStore.getInstance("PKCS12");
        keys.load(null, NONE);
        roots.load(null, NONE);
        Set<String> options = new HashSet<>();
        for (String arg : Arrays.asList(args).subList(2, args.length)) {
            String[] option = arg.split("=", 2);
            options.add(option[0]);
            if (option[0].equals("cert")) {
                String pem = Files.readString(Path.of(option[1]));
                keys.setKeyEntry(option[1], key(pem), NONE, new java.security.cert.Certificate[] {certificate(pem)});
            } else if (option[0].equals("auth")) {
                roots.setCertificateEntry("root", certificate(Files.readString(Path.of(option[1]))));
            }
        }
        KeyManagerFactory kmf = KeyManagerFactory.getInstance("PKIX");
        kmf.init(keys, NONE);
        TrustManagerFactory tmf = TrustManagerFactory.getInstance("PKIX");
        tmf.init(roots.size() > 0 ? roots : null);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(kmf.getKeyManagers(), tmf.getTrustManagers(), null);
        SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(Integer.parseInt(args[1]), 1024, InetAddress.getByName(args[0]));
        if (options.contains("every")) {
            List<String> protocols = new ArrayList<>(Arrays.asList(server.getSupportedProtocols()));
            server.setEnabledProtocols(protocols.toArray(String[]::new));
            server.setEnabledCipherSuites(server.getSupportedCipherSuites());
        }
        SSLParameters parameters = server.getSSLParameters();
        parameters.setUseCipherSuitesOrder(options.contains("order"));
        parameters.setNeedClientAuth(options.contains("auth"));
        server.setSSLParameters(parameters);
        ExecutorService pool = Executors.newCachedThreadPool();
        while (true) {
            SSLSocket socket = (SSLSocket) server.accept();
            pool.execute(() -> serve(socket));
        }
    }

    static void serve(SSLSocket socket) {
        try (socket) {
            socket.setSoTimeout(60_000);
            socket.getInputStream().read(new byte[4096]);
            socket.getOutputStream().write("HTTP/1.0 200 OK\r\n\r\nhello\n".getBytes());
        } catch (Exception e) {
            // The client asked for no more.
        }
    }

    static byte[] part(String pem, String type) {
        String begin = "-----BEGIN " + type + "-----";
        int from = pem.indexOf(begin) + begin.length();
        return Base64.getMimeDecoder().decode(pem.substring(from, pem.indexOf("-----END " + type, from)));
    }

    static X509Certificate certificate(String pem) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(part(pem, "CERTIFICATE")));
    }

    static PrivateKey key(String pem) throws Exception {
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(part(pem, "PRIVATE KEY"));
        for (String kind : List.of("RSA", "EC")) {
            try {
                return KeyFactory.getInstance(kind).generatePrivate(spec);
            } catch (java.security.spec.InvalidKeySpecException e) {
                // then it is of the other kind
            }
        }
        throw new IllegalArgumentException("a key of neither kind");
    }
}
