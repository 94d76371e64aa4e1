package io.sternway.clients;

import com.aliyuncs.AcsRequest;
import com.aliyuncs.AcsResponse;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.IAcsClient;
import com.aliyuncs.edas.model.v20170801.GetChangeOrderInfoRequest;
import com.aliyuncs.edas.model.v20170801.GetChangeOrderInfoResponse.ChangeOrderInfo;
import com.aliyuncs.edas.model.v20170801.GetChangeOrderInfoResponse.ChangeOrderInfo.PipelineInfo;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.profile.DefaultProfile;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;

/** The way to the server: the official client, with keys from the environment and the endpoint of one's own server. */
final class Edas {
    private static final String REGION = "cn-hangzhou";
    private static final Duration INTERVAL = Duration.ofMillis(200);
    private static final int SUCCESS = 200;

    private final IAcsClient client;

    /** A client of the server at {@code endpoint}, which is "host:port". */
    Edas(String endpoint) {
        DefaultProfile.addEndpoint(REGION, "Edas", endpoint);
        client = new DefaultAcsClient(
                DefaultProfile.getProfile(REGION, variable("ACCESS_KEY_ID"), variable("ACCESS_KEY_SECRET")));
    }

    <T extends AcsResponse> T call(AcsRequest<T> request) throws ClientException {
        return client.getAcsResponse(request);
    }

    ChangeOrderInfo order(String id) throws ClientException, Problem {
        GetChangeOrderInfoRequest request = new GetChangeOrderInfoRequest();
        request.setChangeOrderId(id);
        var response = call(request);
        requireSuccess("GetChangeOrderInfo", response.getCode(), response.getMessage());
        ChangeOrderInfo order = response.getChangeOrderInfo();
        Problem.unless(id.equals(order.getChangeOrderId()), "asked for order " + id + ", got " + order.getChangeOrderId());
        return order;
    }

    /** Reads the order until it is as wanted; gives up when the time is over. */
    ChangeOrderInfo poll(String id, String what, Duration patience, Predicate<ChangeOrderInfo> wanted)
            throws ClientException, Problem, InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            ChangeOrderInfo order = order(id);
            if (wanted.test(order)) {
                return order;
            }
            Problem.unless(System.nanoTime() < deadline,
                    "order " + id + " is not " + what + " after " + patience.toSeconds() + " s: " + describe(order));
            Thread.sleep(INTERVAL.toMillis());
        }
    }

    static boolean hasEnded(ChangeOrderInfo order) {
        return switch (order.getStatus()) {
            case 2, 3, 6, 7, 10 -> true;
            default -> false;
        };
    }

    static void requireSuccess(String operation, Integer code, String message) throws Problem {
        Problem.unless(code != null && code == SUCCESS, operation + " was refused: Code " + code + ", Message " + message);
    }

    /** The order in one line: its status, that of each pipeline, and the messages of its tasks. */
    static String describe(ChangeOrderInfo order) {
        List<Integer> pipelines = order.getPipelineInfoList().stream().map(PipelineInfo::getPipelineStatus).toList();
        return "Status " + order.getStatus() + ", pipelines " + pipelines + ", tasks " + taskMessages(order);
    }

    static List<String> taskMessages(ChangeOrderInfo order) {
        return order.getPipelineInfoList().stream()
                .flatMap(pipeline -> pipeline.getStageDetailList().stream())
                .flatMap(stage -> stage.getTaskList().stream())
                .map(task -> task.getTaskMessage())
                .filter(message -> message != null && !message.isEmpty())
                .toList();
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalStateException("set the environment variable " + name);
        }
        return value;
    }
}
