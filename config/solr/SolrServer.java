import java.io.IOException;
import java.net.BindException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import javax.servlet.DispatcherType;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.solr.servlet.CoreContainerProvider;
import org.apache.solr.servlet.SolrDispatchFilter;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * The search server, without Solr's distribution archive: {@code java -cp 'JARS/*' SolrServer.java
 * PORT SOLR_HOME}. It serves http://127.0.0.1:PORT/solr, and every core is a directory of SOLR_HOME
 * with a core.properties and a conf/. It listens on the loopback address only, because Solr has no
 * sign-in of its own here. SIGTERM closes the cores (and so commits) before the process ends.
 * Exit codes: 2 wrong arguments, 3 port taken, 1 anything else.
 */
public class SolrServer {
  private static final int STOP_MILLISECONDS = 20_000;

  public static void main(String[] args) throws Exception {
    if (args.length != 2) {
      System.err.println("usage: SolrServer PORT SOLR_HOME");
      System.exit(2);
    }
    int port = Integer.parseInt(args[0]);
    Path home = Path.of(args[1]).toAbsolutePath().normalize();
    Files.createDirectories(home);
    Path settings = home.resolve("solr.xml");
    if (!Files.exists(settings)) {
      Files.writeString(settings, "<solr></solr>\n"); // all defaults; Solr will not start without it
    }
    setDefault("solr.solr.home", home.toString());
    setDefault("solr.log.dir", home.toString());
    setDefault("jetty.port", args[0]);
    setDefault("log4j2.level", "WARN"); // log4j's built-in set-up: the console only
    setDefault("solr.hideStackTrace", "true");

    QueuedThreadPool threads = new QueuedThreadPool(64, 4);
    threads.setName("solr");
    Server server = new Server(threads);
    ServerConnector connector = new ServerConnector(server, 1, 1);
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    server.addConnector(connector);

    ServletContextHandler context = new ServletContextHandler(null, "/solr");
    context.setResourceBase(home.toString());
    context.addEventListener(new CoreContainerProvider());
    FilterHolder solr = new FilterHolder(SolrDispatchFilter.class);
    solr.setAsyncSupported(true);
    context.addFilter(solr, "/*", EnumSet.of(DispatcherType.REQUEST));
    // A filter only runs where a servlet is mapped; what Solr does not answer does not exist.
    ServletHolder nothing = new ServletHolder(new NotFound());
    nothing.setAsyncSupported(true);
    context.addServlet(nothing, "/");
    server.setHandler(context);

    server.setStopAtShutdown(true);
    server.setStopTimeout(STOP_MILLISECONDS);
    try {
      server.start();
    } catch (IOException e) {
      if (e.getCause() instanceof BindException || e instanceof BindException) {
        System.err.println("port " + port + " on 127.0.0.1 is taken by another program");
        System.exit(3);
      }
      throw e;
    }
    ((SolrDispatchFilter) solr.getFilter()).getCores(); // throws where Solr failed: an exit is better than a server of 404s
    System.out.println("Solr is ready on http://127.0.0.1:" + port + "/solr, home " + home);
    server.join();
  }

  private static void setDefault(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  /** Answers 404 to whatever the Solr filter passes on. */
  private static final class NotFound extends HttpServlet {
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.sendError(HttpServletResponse.SC_NOT_FOUND);
    }
  }
}
